#include "tessera/sim/exec/conv_tail.h"

#include "tessera/sim/element.h"

namespace tessera::sim::exec {
namespace {

bool overlap(const Operand &a, const Local &b) { return !a.immediate && overlap(a.tensor, b); }

/// Whether `written` holds what the convolution has packed before the first result, unless there is
/// a next batch entry.
bool overwritesInput(const ConvJob &j, const Local &written) {
  return overlap(j.src, written) || overlap(j.edge, written);
}

bool addBias(Machine &m, const ConvJob &j, const isa::Command &command, ConvTail &tail) {
  constexpr uint64_t kAddSat = 15;
  auto f = isa::decode<isa::sAR>(command);
  Dims d{j.n, j.oc, j.window.y.out, j.window.x.out};
  auto int32 = uint64_t(Type::Int32);
  bool fits = f.tsk_eu_typ == kAddSat && f.tsk_opd_num == 2 && f.res0_prec == int32 &&
              f.opd0_prec == int32 && f.opd1_prec == int32 && f.opd0_sign && f.opd1_sign &&
              int64_t(f.res0_n) == d.n && int64_t(f.res0_c) == d.c && int64_t(f.res0_h) == d.h &&
              int64_t(f.res0_w) == d.w && f.opd1_addr == j.f.res0_addr && !f.opd1_const &&
              f.opd1_str == 0 && f.res0_str == 0 && !f.opd0_const && f.opd0_str == 3 &&
              f.opd2_n_str <= 6;
  if (!fits)
    return false;
  isa::Strides s = isa::arStrides(f, isa::Operand::Opd0);
  if (s.n != 0 || s.h != 0 || s.w != 0)
    return false;
  auto bias = local(m, "opd0", f.opd0_addr, d, 4, {0, int64_t(s.c), 0, 0});
  auto sum = alignedLocal(m, "result", f.res0_addr, d, 4);
  if (!bias || !sum || bias->startLane != j.res.startLane || sum->startLane != j.res.startLane)
    return false;
  bool inPlace = f.res0_addr == j.f.res0_addr, overwrites = overwritesInput(j, *sum);
  if ((!inPlace && overlap(*sum, j.res)) || (j.n > 1 && overwrites) || overlap(*bias, j.res) ||
      overlap(*bias, *sum))
    return false;
  for (int64_t o = 0; o < j.oc; ++o)
    tail.bias.push_back(loadAs<int32_t>(bias->plane(0, o)));
  tail.sum = *sum;
  tail.overwritesInput |= overwrites;
  return true;
}

bool requantize(Machine &m, const ConvJob &j, const isa::Command &command, ConvTail &tail) {
  auto f = isa::decode<isa::sRQDQ>(command);
  Dims d{j.n, j.oc, j.window.y.out, j.window.x.out};
  uint64_t source = uint64_t(tail.sum.startLane) << chip::kLaneShift | uint64_t(tail.sum.offset);
  bool fits = f.tsk_eu_typ == 1 && f.opd0_prec == uint64_t(Type::Int32) && f.opd0_sign &&
              f.res0_prec == uint64_t(Type::Int8) && f.opd0_addr == source &&
              int64_t(f.res0_n) == d.n && int64_t(f.res0_c) == d.c && int64_t(f.res0_h) == d.h &&
              int64_t(f.res0_w) == d.w && f.opd2_n_str <= 6 && !f.opd1_const;
  if (!fits)
    return false;
  auto out = alignedLocal(m, "result", f.res0_addr, d, 1);
  auto table = alignedLocal(m, "table", f.opd1_addr, {1, d.c, 1, 3}, 4);
  if (!out || !table || out->startLane != j.res.startLane || table->startLane != j.res.startLane)
    return false;
  bool overwrites = overwritesInput(j, *out);
  if (overlap(*out, j.res) || overlap(*out, tail.sum) || (j.n > 1 && overwrites) ||
      overlap(*table, j.res) || overlap(*table, tail.sum) || overlap(*table, *out))
    return false;
  IntRange range = rangeOf(8, f.opd2_sign);
  for (int64_t o = 0; o < j.oc; ++o) {
    const uint8_t *q = table->plane(0, o);
    auto zero = loadAs<uint16_t>(q + 8);
    tail.requantize.push_back({loadAs<int32_t>(q), loadAs<int8_t>(q + 4),
                               f.opd2_sign ? int64_t(int16_t(zero)) : int64_t(zero),
                               numerics::Rounding(f.opd2_n_str), range});
  }
  tail.out = *out;
  tail.overwritesInput |= overwrites;
  return true;
}

} // namespace

ConvTail convTail(Machine &m, const ConvJob &j, std::span<const isa::Command *const> next) {
  ConvTail tail;
  tail.sum = j.res;
  if (j.type != Type::Int8 || j.to != Type::Int32 || j.f.tsk_eu_typ != 0)
    return tail;
  if (tail.commands < next.size() && next[tail.commands]->form == isa::Form::sAR &&
      addBias(m, j, *next[tail.commands], tail))
    ++tail.commands;
  if (tail.commands < next.size() && next[tail.commands]->form == isa::Form::sRQDQ &&
      requantize(m, j, *next[tail.commands], tail))
    ++tail.commands;
  return tail;
}

} // namespace tessera::sim::exec
