// sCONV ("BM1684X measured numerics", sections 4 and 8): what both arithmetics share.
#include "tessera/sim/exec/conv_tail.h"

#include "tessera/sim/element.h"

namespace tessera::sim::exec {
namespace {

using isa::sCONV;

Result<ConvJob> prepare(Machine &m, const sCONV &f) {
  ConvJob j{};
  j.f = f;
  j.window = windowOf(f);
  TESSERA_TRY(j.window.check());
  j.n = int64_t(f.res0_n);
  j.ic = int64_t(f.opd0_c);
  j.oc = int64_t(f.res0_c);
  if (j.window.y.extended() * j.window.x.extended() * std::max<int64_t>(j.ic, 1) > kMaxElements)
    return fail("bad-shape", "opd0", "the extended input is more than any local memory gives");
  if (j.taps() * std::max<int64_t>(j.ic, 1) * chip::alignUp(j.oc, 8) > kMaxElements)
    return fail("bad-shape", "opd1", "the weights are more than local memory can hold");
  j.rows = j.window.y.sources(j.window.mode);
  j.columns = j.window.x.sources(j.window.mode);
  j.type = Type(f.opd0_prec);
  j.to = Type(f.res0_prec);
  int64_t size = chip::bytesOf(j.type);
  if (size == 0 || chip::bytesOf(j.to) == 0)
    return unsupported("element type of 4 bits");
  Dims in{j.n, j.ic, j.window.y.in, j.window.x.in}, out{j.n, j.oc, j.window.y.out, j.window.x.out};
  int64_t lane = chip::laneOf(f.opd0_addr);
  LocalLayout layout = chip::alignedLayout(lane, in.n, in.c, in.h, in.w, size);
  if (f.opd0_str == 3)
    layout = {int64_t(f.opd0_n_str), int64_t(f.opd0_c_str), int64_t(f.opd0_h_str),
              int64_t(f.opd0_w_str)};
  else if (f.opd0_str != 0)
    return unsupported(fmt::format("input layout code {}", f.opd0_str));
  TESSERA_ASSIGN(j.src, local(m, "opd0", f.opd0_addr, in, size, layout));
  TESSERA_ASSIGN(j.res, alignedLocal(m, "result", f.res0_addr, out, chip::bytesOf(j.to)));
  if (!f.opd1_const) {
    int64_t row = chip::alignUp(j.ic, chip::cubeInputs(j.type)) * j.taps();
    TESSERA_ASSIGN(j.weight,
                   local(m, "opd1", f.opd1_addr, {1, j.oc, 1, row}, size, {0, row, row, 1}));
  }
  bool eu0 = f.tsk_eu_typ == 0, isFloat = chip::isFloat(j.type);
  j.bias = Operand::constant(uint32_t(f.opd2_addr));
  if (!f.opd2_const) {
    TESSERA_ASSIGN(Local t, local(m, "opd2", f.opd2_addr, {1, j.oc, 1, 1},
                                  isFloat ? 4
                                  : eu0   ? 1
                                          : 2,
                                  chip::perChannelLayout()));
    j.bias = Operand::of(t);
  }
  j.edge = Operand::constant(uint32_t(f.opd3_addr));
  if (!f.opd3_const && (eu0 || isFloat)) {
    TESSERA_ASSIGN(Local t, compactLocal(m, "opd3", f.opd3_addr, {1, j.ic, 1, 2}, size));
    j.edge = Operand::of(t);
  }
  detach(m, {&j.res}, {&j.src, &j.weight, &j.bias.tensor, &j.edge.tensor});
  return j;
}

} // namespace

Result<size_t> convChain(Machine &m, std::span<const isa::Command *const> commands) {
  auto f = isa::decode<sCONV>(*commands.front());
  if (f.tsk_eu_typ > 2)
    return unsupported(fmt::format("convolution operation {}", f.tsk_eu_typ));
  TESSERA_ASSIGN(ConvJob j, prepare(m, f));
  if (chip::isFloat(j.type)) {
    TESSERA_TRY(convFloats(m, j));
    return 1;
  }
  ConvTail tail = convTail(m, j, commands.subspan(1));
  TESSERA_TRY(convIntegers(m, j, tail));
  return 1 + tail.commands;
}

Status conv(Machine &m, const isa::Command &command) {
  const isa::Command *alone = &command;
  TESSERA_TRY(convChain(m, {&alone, 1}));
  return {};
}

} // namespace tessera::sim::exec
