// Prices of TIU commands; section numbers are those of cycles.md.
#include "tessera/cycles/price.h"
#include <algorithm>

namespace tessera::cycles {
namespace {

using namespace isa;
using chip::Type;

uint64_t ceilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }
uint64_t typeBytes(uint64_t code) {
  return std::max<uint64_t>(1, uint64_t(chip::bitsOf(code)) / 8);
}

// Elements of the widest of these types that a lane handles in a step.
uint64_t stepSize(const Preset &p, std::initializer_list<uint64_t> types) {
  uint64_t widest = 1;
  for (uint64_t t : types)
    widest = std::max(widest, typeBytes(t));
  return std::max<uint64_t>(1, p.laneBytes / widest);
}
uint64_t slots(const Preset &p, uint64_t address, uint64_t c) {
  return ceilDiv(uint64_t(chip::laneOf(address)) + c, p.lanes);
}
// B(x) of 2.5: steps of x elements of one lane.
uint64_t units(const Preset &p, uint64_t elements, uint64_t type) {
  return ceilDiv(elements * typeBytes(type), p.laneBytes);
}
bool sameBank(uint64_t a, uint64_t b) { return a >> 14 == b >> 14; }

// One pass over the result: what 2.2 to 2.4 and 2.6 have in common.
template <class T> uint64_t pass(const Preset &p, const T &f, uint64_t step) {
  return f.res0_n * slots(p, f.res0_addr, f.res0_c) * ceilDiv(f.res0_h * f.res0_w, step);
}

Price conv(const Preset &p, uint64_t n, uint64_t oc, uint64_t plane, uint64_t ic, uint64_t taps,
           Type type) { // 2.1
  bool wide = chip::bitsOf(type) == 32;
  auto cost = [&](Kind kind, uint64_t inputs, bool measured) {
    uint64_t positions = ceilDiv(plane, wide ? p.cubePositions32 : p.cubePositions);
    return Price{kind, Wide(n * ceilDiv(oc, p.lanes) * ceilDiv(ic, inputs) * taps * positions), 1,
                 measured};
  };
  switch (chip::bitsOf(type)) {
  case 4: // never seen: as int8 with twice the inputs
    return cost(Kind::ConvInt4, p.cubeInt4, false);
  case 16:
    return cost(Kind::Conv16, p.cube16, true);
  case 32:
    return cost(Kind::Conv32, p.cube32, true);
  default:
    return cost(Kind::ConvInt8, p.cubeInt8, true);
  }
}

Price price(const Preset &p, const sCONV &f) {
  return conv(p, f.res0_n, f.res0_c, f.res0_h * f.res0_w, f.opd0_c, f.opd1_h * f.opd1_w,
              Type(f.opd0_prec));
}

Price price(const Preset &p, const sPorD &f) { // 2.2
  uint64_t s = slots(p, f.res0_addr, f.res0_c), taps = f.opd1_h * f.opd1_w;
  uint64_t step = stepSize(p, {f.res0_prec, f.opd0_prec});
  if (f.tsk_eu_typ >= 5) // no region-of-interest form was seen; it has one row and no strides
    return {Kind::Pool, f.res0_n * s * ceilDiv(f.res0_w, step) * taps, 1, false};
  if (f.res0_w == 1 && f.opd1_w == f.opd0_w && f.opd0_w > 1 && f.res0_h > 1)
    return {Kind::Pool, f.res0_n * s * taps * f.res0_h};
  return {f.res_op_x_str > 1 && f.res_op_y_str > 1 ? Kind::PoolStrided : Kind::Pool,
          pass(p, f, step) * taps};
}

// The factor of a result with strides of its own (2.3).
uint64_t freeStride(const sAR &f, uint64_t step) {
  if (f.res0_str != 3)
    return 1;
  Strides r = arStrides(f, Operand::Res0), a = arStrides(f, Operand::Opd0);
  uint64_t h = f.res0_h, w = f.res0_w;
  if (w > 1 && r.w > 1)
    return r.w; // strides 2 and 30 were seen
  bool gap = h > 1 && r.h != w, operandGap = !f.opd0_const && f.opd0_str == 3 && a.h != w;
  if (!gap || !operandGap || w >= step)
    return 1;
  if (w > 1)
    return ceilDiv(step, w);
  return std::max<uint64_t>(1, h / std::max<uint64_t>(1, ceilDiv(h, step)));
}

Price price(const Preset &p, const sAR &f) { // 2.3
  constexpr uint64_t kDiv = 12;
  bool second = f.tsk_opd_num >= 2;
  uint64_t step = second ? stepSize(p, {f.res0_prec, f.opd0_prec, f.opd1_prec})
                         : stepSize(p, {f.res0_prec, f.opd0_prec});
  uint64_t steps = pass(p, f, step);
  if (f.tsk_eu_typ == kDiv)
    return {Kind::ArithDivide, steps};
  bool inPlace = (!f.opd0_const && f.opd0_addr == f.res0_addr) ||
                 (second && !f.opd1_const && f.opd1_addr == f.res0_addr);
  bool twoStrided = second && f.opd0_str == 3 && f.opd1_str == 3;
  return {inPlace ? Kind::ArithInPlace : Kind::Arith,
          steps * (twoStrided ? p.freeStrides : 1) * freeStride(f, step)};
}

template <class T> Price requantize(const Preset &p, const T &f, bool measured) { // 2.4
  return {sameBank(f.res0_addr, f.opd0_addr) ? Kind::RequantizeSameBank : Kind::Requantize,
          pass(p, f, p.requantizeValues), 1, measured};
}
Price price(const Preset &p, const sRQDQ &f) { return requantize(p, f, true); }

Price price(const Preset &p, const sTRANSBC &f) { // 2.5
  uint64_t plane = units(p, f.res0_h * f.res0_w, f.res0_prec);
  switch (f.tsk_eu_typ) {
  case 0: // CW transpose: a source row at a time; its width is the result's channels
    return {Kind::Transpose, f.res0_n * f.res0_h * units(p, f.res0_c, f.res0_prec), 1, false};
  case 1: // WC transpose: a source column of channels at a time
    return {Kind::Transpose, f.res0_n * f.res0_h * units(p, f.res0_w, f.res0_prec)};
  case 2: // lane copy: one lane at a time
    return {Kind::LaneCopy, f.res0_n * f.res0_c * slots(p, f.res0_addr, f.res0_c) * plane};
  case 3: // lane broadcast
    return {f.res0_addr == f.opd0_addr ? Kind::LaneBroadcastInPlace : Kind::LaneBroadcast,
            f.res0_n * plane};
  default: // static broadcast, static distribute
    return {Kind::StaticBroadcast, plane, 1, f.tsk_eu_typ <= 5};
  }
}

Price price(const Preset &p, const sSG &f) { // 2.5
  uint64_t s = f.res0_n * slots(p, f.res0_addr, f.res0_c);
  switch (f.tsk_eu_typ) {
  case 0:
    return {Kind::ScatterGather, s * f.opd1_c};
  case 5:
    return {Kind::ScatterGather, s * f.res0_w};
  case 13:
    return {Kind::ScatterGather, s * (3 * f.res0_w / 2)};
  case 14: // one index and constant only
    return {Kind::ScatterGather, std::max<uint64_t>(1, s * f.opd1_w), 1, f.opd1_w <= 1};
  }
  // An index a cycle, or an element of the result where that is more.
  return {Kind::ScatterGather, s * std::max(f.res0_h * f.res0_w, std::max(f.opd1_c, f.opd1_w)), 1,
          false};
}

Price price(const Preset &p, const sMM2 &f) { // 2.6; two rows
  return {Kind::MatrixMultiply2,
          ceilDiv(f.opd1_c, p.cubeInt8) * ceilDiv(f.res0_w, p.cubePositions) *
              ceilDiv(f.res0_c, p.lanes),
          1, f.tsk_eu_typ == 4 && f.opd0_prec == uint64_t(Type::Int8)};
}

// 2.6. The estimator's price function knows neither the operation of a compare nor the iterations
// of a reciprocal root: its 30 cycles a step are 10 for each of the usual three.
Price price(const Preset &p, const sSFU &f) {
  uint64_t steps = pass(p, f, stepSize(p, {f.res0_prec, f.opd0_prec}));
  switch (f.tsk_eu_typ) {
  case 12:
  case 13: // Taylor: a pass a coefficient
    return {Kind::Special, std::max<uint64_t>(1, f.opd1_n) * steps};
  case 15:
    return {Kind::Special, steps};
  case 17:
    return {Kind::SpecialRoot, steps};
  }
  return {Kind::Special, steps, 1, false};
}

Price price(const Preset &p, const sCMP &f) {
  return {Kind::Compare, pass(p, f, stepSize(p, {f.opd0_prec, f.opd2_prec}))};
}

Price price(const Preset &p, const sLIN &f) {
  return {Kind::Linear, pass(p, f, stepSize(p, {f.res0_prec}))};
}

// None of the following was ever seen.

// The matrix as a 1x1 convolution: left rows are positions, left columns input channels.
Price price(const Preset &p, const sMM &f) {
  uint64_t columns = f.left_tran ? f.opd0_n : std::max<uint64_t>(1, f.opd0_c) * f.opd0_w;
  uint64_t rows = f.left_tran ? std::max<uint64_t>(1, f.opd0_c) * f.opd0_w : f.opd0_n;
  // Right columns lie res0_w in each lane, so a lane makes res0_w results a row.
  uint64_t perLane = ceilDiv(f.res0_c, p.lanes) * f.res0_w;
  uint64_t step = stepSize(p, {f.res0_prec, f.opd0_prec});
  return {Kind::MatrixMultiply, rows * columns * ceilDiv(perLane, step), 1, false};
}

Price price(const Preset &p, const sVC &f) {
  return {Kind::Vector,
          slots(p, f.res0_addr, f.res0_c) * f.opd0_c * f.opd0_w *
              ceilDiv(f.opd1_w, stepSize(p, {f.res0_prec, f.opd0_prec, f.opd1_prec})),
          1, false};
}

Price price(const Preset &p, const sSEG &f) {
  return {Kind::ScatterGather,
          slots(p, f.res0_addr, f.res0_c) * ceilDiv(f.res0_w, stepSize(p, {f.res0_prec})), 1,
          false};
}

Price price(const Preset &p, const LAR &f) {
  return {Kind::Arith,
          ceilDiv(f.start_tid + f.res0_c, p.lanes) *
              ceilDiv(f.res0_w, stepSize(p, {f.res0_prec, f.opd0_prec, f.opd1_prec})),
          1, false};
}

Price price(const Preset &p, const sSGL &f) {
  uint64_t s = f.res0_n * slots(p, f.res0_addr, f.res0_c);
  return {Kind::ScatterGather, s * f.res0_h * units(p, f.res0_w, f.res0_prec), 1, false};
}

// Only rq float is known in the long form; it follows the rule of its short neighbours. Anything
// else is priced as the pass of its class.
Price price(const Preset &p, const TIU_long &f) {
  if (f.tsk_typ == 4)
    return requantize(p, f, false);
  if (f.tsk_typ == 0) {
    Price c = conv(p, f.res0_n, f.res0_c, f.res0_h * f.res0_w, f.opd0_c, f.opd1_h * f.opd1_w,
                   Type(f.opd0_prec));
    c.measured = false;
    return c;
  }
  bool pool = f.tsk_typ == 1;
  uint64_t taps = pool ? std::max<uint64_t>(1, f.opd1_h * f.opd1_w) : 1;
  return {pool ? Kind::Pool : Kind::Arith,
          pass(p, f, stepSize(p, {f.res0_prec, f.opd0_prec})) * taps, 1, false};
}

Price price(const Preset &, const SYS &) { return {}; }
Price price(const Preset &, const SYSID &) { return {}; }

} // namespace

Price priceTiu(const Command &c, const Preset &preset) {
  Price p;
  withForm(c.form, [&]<class T>(const T &) {
    if constexpr (engineOf(T::kForm) == Engine::Tiu)
      p = price(preset, decode<T>(c.words));
  });
  return p;
}

} // namespace tessera::cycles
