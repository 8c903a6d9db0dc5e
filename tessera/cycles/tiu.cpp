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
uint64_t stepSize(std::initializer_list<uint64_t> types) {
  uint64_t widest = 1;
  for (uint64_t t : types)
    widest = std::max(widest, typeBytes(t));
  return uint64_t(chip::kEuBytes) / widest;
}
uint64_t slots(uint64_t address, uint64_t c) {
  return uint64_t(chip::slots(chip::laneOf(address), int64_t(c)));
}
// B(x) of 2.5: 64-byte units of x elements.
uint64_t units(uint64_t elements, uint64_t type) {
  return ceilDiv(elements * typeBytes(type), uint64_t(chip::kEuBytes));
}
bool sameBank(uint64_t a, uint64_t b) { return a >> 14 == b >> 14; }

// One pass over the result: what 2.2 to 2.4 and 2.6 have in common.
template <class T> uint64_t pass(const T &f, uint64_t step) {
  return f.res0_n * slots(f.res0_addr, f.res0_c) * ceilDiv(f.res0_h * f.res0_w, step);
}

Price conv(uint64_t n, uint64_t oc, uint64_t plane, uint64_t ic, uint64_t taps, Type type) {
  uint64_t inputs = ceilDiv(ic, uint64_t(chip::cubeInputs(type)));
  uint64_t positions = ceilDiv(plane, chip::bitsOf(type) == 32 ? 16 : 4);
  // int4 was never seen: as int8 with the cube's 128 inputs.
  return {n * ceilDiv(oc, uint64_t(chip::kLanes)) * inputs * taps * positions, type != Type::Int4};
}

Price price(const sCONV &f) { // 2.1
  return conv(f.res0_n, f.res0_c, f.res0_h * f.res0_w, f.opd0_c, f.opd1_h * f.opd1_w,
              Type(f.opd0_prec));
}

Price price(const sPorD &f) { // 2.2
  uint64_t s = slots(f.res0_addr, f.res0_c), taps = f.opd1_h * f.opd1_w;
  if (f.tsk_eu_typ >= 5) // no region-of-interest form was seen; it has one row and no strides
    return {f.res0_n * s * ceilDiv(f.res0_w, stepSize({f.res0_prec, f.opd0_prec})) * taps, false};
  if (f.res0_w == 1 && f.opd1_w == f.opd0_w && f.opd0_w > 1 && f.res0_h > 1)
    return {f.res0_n * s * taps * f.res0_h, true};
  uint64_t k = f.res_op_x_str > 1 && f.res_op_y_str > 1 ? 3 : 1;
  return {pass(f, stepSize({f.res0_prec, f.opd0_prec})) * taps * k, true};
}

// The factor of a result with strides of its own (2.3).
Price freeStride(const sAR &f, uint64_t step) {
  if (f.res0_str != 3)
    return {1, true};
  Strides r = arStrides(f, Operand::Res0), a = arStrides(f, Operand::Opd0);
  uint64_t h = f.res0_h, w = f.res0_w;
  if (w > 1 && r.w > 1)
    return {r.w, true}; // strides 2 and 30 were seen
  bool gap = h > 1 && r.h != w, operandGap = !f.opd0_const && f.opd0_str == 3 && a.h != w;
  if (!gap || !operandGap || w >= step)
    return {1, true};
  if (w > 1)
    return {ceilDiv(step, w), true};
  return {std::max<uint64_t>(1, h / ceilDiv(h, step)), true};
}

Price price(const sAR &f) { // 2.3
  constexpr uint64_t kDiv = 12;
  bool second = f.tsk_opd_num >= 2;
  uint64_t step = second ? stepSize({f.res0_prec, f.opd0_prec, f.opd1_prec})
                         : stepSize({f.res0_prec, f.opd0_prec});
  uint64_t cycles = pass(f, step);
  if (f.tsk_eu_typ == kDiv)
    return {31 * cycles, true};
  bool inPlace = (!f.opd0_const && f.opd0_addr == f.res0_addr) ||
                 (second && !f.opd1_const && f.opd1_addr == f.res0_addr);
  bool twoStrided = second && f.opd0_str == 3 && f.opd1_str == 3;
  Price stride = freeStride(f, step);
  return {cycles * (inPlace ? 2 : 1) * (twoStrided ? 2 : 1) * stride.cycles, stride.measured};
}

template <class T> Price requantize(const T &f, bool measured) { // 2.4
  return {pass(f, 16) * (sameBank(f.res0_addr, f.opd0_addr) ? 2 : 1), measured};
}
Price price(const sRQDQ &f) { return requantize(f, true); }

Price price(const sTRANSBC &f) { // 2.5
  uint64_t plane = units(f.res0_h * f.res0_w, f.res0_prec);
  switch (f.tsk_eu_typ) {
  case 0: // CW transpose: a source row at a time; its width is the result's channels
    return {f.res0_n * f.res0_h * units(f.res0_c, f.res0_prec), false};
  case 1: // WC transpose: a source column of channels at a time
    return {f.res0_n * f.res0_h * units(f.res0_w, f.res0_prec), true};
  case 2: // lane copy: one lane at a time
    return {f.res0_n * f.res0_c * slots(f.res0_addr, f.res0_c) * plane, true};
  case 3: // lane broadcast
    return {f.res0_n * plane * (f.res0_addr == f.opd0_addr ? 2 : 1), true};
  default: // static broadcast, static distribute
    return {plane, f.tsk_eu_typ <= 5};
  }
}

Price price(const sSG &f) { // 2.5
  uint64_t s = f.res0_n * slots(f.res0_addr, f.res0_c);
  switch (f.tsk_eu_typ) {
  case 0:
    return {s * f.opd1_c, true};
  case 5:
    return {s * f.res0_w, true};
  case 13:
    return {s * (3 * f.res0_w / 2), true};
  case 14: // one index and constant only
    return {std::max<uint64_t>(1, s * f.opd1_w), f.opd1_w <= 1};
  }
  // An index a cycle, or an element of the result where that is more.
  return {s * std::max(f.res0_h * f.res0_w, std::max(f.opd1_c, f.opd1_w)), false};
}

Price price(const sMM2 &f) { // 2.6; two rows
  uint64_t product =
      ceilDiv(f.opd1_c, 64) * ceilDiv(f.res0_w, 4) * ceilDiv(f.res0_c, uint64_t(chip::kLanes));
  return {product, f.tsk_eu_typ == 4 && f.opd0_prec == uint64_t(Type::Int8)};
}

// 2.6. The estimator's price function knows neither the operation of a compare nor the iterations
// of a reciprocal root: 30 passes are 10 for each of the usual three.
Price price(const sSFU &f) {
  uint64_t cycles = pass(f, stepSize({f.res0_prec, f.opd0_prec}));
  switch (f.tsk_eu_typ) {
  case 12:
  case 13: // Taylor: a pass a coefficient
    return {std::max<uint64_t>(1, f.opd1_n) * cycles, true};
  case 15:
    return {cycles, true};
  case 17:
    return {30 * cycles, true};
  }
  return {cycles, false};
}

Price price(const sCMP &f) { return {2 * pass(f, stepSize({f.opd0_prec, f.opd2_prec})), true}; }

Price price(const sLIN &f) { return {pass(f, stepSize({f.res0_prec})), true}; }

// None of the following was ever seen.

// The matrix as a 1x1 convolution: left rows are positions, left columns input channels.
Price price(const sMM &f) {
  uint64_t columns = f.left_tran ? f.opd0_n : std::max<uint64_t>(1, f.opd0_c) * f.opd0_w;
  uint64_t rows = f.left_tran ? std::max<uint64_t>(1, f.opd0_c) * f.opd0_w : f.opd0_n;
  // Right columns lie res0_w in each lane, so a lane makes res0_w results a row.
  uint64_t perLane = ceilDiv(f.res0_c, uint64_t(chip::kLanes)) * f.res0_w;
  uint64_t step = stepSize({f.res0_prec, f.opd0_prec});
  return {rows * columns * ceilDiv(perLane, step), false};
}

Price price(const sVC &f) {
  uint64_t s = slots(f.res0_addr, f.res0_c);
  return {s * f.opd0_c * f.opd0_w *
              ceilDiv(f.opd1_w, stepSize({f.res0_prec, f.opd0_prec, f.opd1_prec})),
          false};
}

Price price(const sSEG &f) {
  return {slots(f.res0_addr, f.res0_c) * ceilDiv(f.res0_w, stepSize({f.res0_prec})), false};
}

Price price(const LAR &f) {
  return {ceilDiv(f.start_tid + f.res0_c, uint64_t(chip::kLanes)) *
              ceilDiv(f.res0_w, stepSize({f.res0_prec, f.opd0_prec, f.opd1_prec})),
          false};
}

Price price(const sSGL &f) {
  uint64_t s = f.res0_n * slots(f.res0_addr, f.res0_c);
  return {s * f.res0_h * units(f.res0_w, f.res0_prec), false};
}

// Only rq float is known in the long form; it follows the rule of its short neighbours. Anything
// else is priced as the pass of its class.
Price price(const TIU_long &f) {
  if (f.tsk_typ == 4)
    return requantize(f, false);
  if (f.tsk_typ == 0)
    return {conv(f.res0_n, f.res0_c, f.res0_h * f.res0_w, f.opd0_c, f.opd1_h * f.opd1_w,
                 Type(f.opd0_prec))
                .cycles,
            false};
  uint64_t taps = f.tsk_typ == 1 ? std::max<uint64_t>(1, f.opd1_h * f.opd1_w) : 1;
  return {pass(f, stepSize({f.res0_prec, f.opd0_prec})) * taps, false};
}

Price price(const SYS &) { return {0, true}; }
Price price(const SYSID &) { return {0, true}; }

} // namespace

Price priceTiu(const Command &c) {
  Price p;
  withForm(c.form, [&]<class T>(const T &) {
    if constexpr (engineOf(T::kForm) == Engine::Tiu)
      p = price(decode<T>(c.words));
  });
  // The smallest command seen takes one cycle.
  if (!isSystem(c))
    p.cycles = std::max<uint64_t>(1, p.cycles);
  return p;
}

} // namespace tessera::cycles
