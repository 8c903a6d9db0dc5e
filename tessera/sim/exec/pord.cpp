// sPorD: pooling and depthwise convolution ("BM1684X measured numerics", sections 6 and 9).
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/exec/pord_job.h"

namespace tessera::sim::exec {
namespace {

using isa::sPorD;

Result<PordJob> prepare(Machine &m, const sPorD &f) {
  PordJob j{};
  j.f = f;
  j.regions = f.tsk_eu_typ > kMax;
  j.op = f.tsk_eu_typ == 7 ? kMax : f.tsk_eu_typ - (j.regions ? 5 : 0);
  j.window = windowOf(f);
  j.d = {int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)};
  if (j.regions) {
    TESSERA_TRY(pordRegions(m, j));
  } else {
    TESSERA_TRY(j.window.check());
    if (j.window.y.extended() * j.window.x.extended() > kMaxElements)
      return fail("bad-shape", "opd0", "the extended input is more than local memory can hold");
    j.rows = j.window.y.sources(j.window.mode);
    j.columns = j.window.x.sources(j.window.mode);
  }
  j.type = Type(f.opd0_prec);
  j.to = Type(f.res0_prec);
  int64_t size = chip::bytesOf(j.type);
  if (size == 0 || chip::bytesOf(j.to) == 0)
    return unsupported("element type of 4 bits");
  TESSERA_ASSIGN(j.res, alignedLocal(m, "result", f.res0_addr, j.d, chip::bytesOf(j.to)));
  TESSERA_ASSIGN(j.src, alignedLocal(m, "opd0", f.opd0_addr,
                                     {j.d.n, j.d.c, int64_t(f.opd0_h), int64_t(f.opd0_w)}, size));
  j.weight = Operand::constant(uint32_t(f.opd1_addr));
  if (j.depthwise() && !f.opd1_const) {
    TESSERA_ASSIGN(Local t, compactLocal(m, "opd1", f.opd1_addr,
                                         {1, j.d.c, j.window.y.kernel, j.window.x.kernel}, size));
    t.strides.n = 0;
    j.weight = Operand::of(t);
  }
  j.bias = Operand::constant(0);
  if (j.depthwise() && !j.regions && !f.opd2_const) {
    TESSERA_ASSIGN(Local t, local(m, "opd2", f.opd2_addr, {1, j.d.c, 1, 1},
                                  chip::isFloat(j.type) ? size : 4, chip::perChannelLayout()));
    j.bias = Operand::of(t);
  }
  j.edge = Operand::constant(uint32_t(j.regions ? f.opd2_addr : f.opd3_addr));
  if (!j.regions && !f.opd3_const) { // loaded also where nothing is padded or inserted
    TESSERA_ASSIGN(Local t, compactLocal(m, "opd3", f.opd3_addr, {1, j.d.c, 1, 2}, size));
    t.strides.n = 0;
    j.edge = Operand::of(t);
  }
  detach(m, {&j.res}, {&j.src, &j.weight.tensor, &j.bias.tensor, &j.edge.tensor});
  return j;
}

} // namespace

Status pord(Machine &m, const isa::Command &command) {
  auto f = isa::decode<sPorD>(command);
  if (f.tsk_eu_typ == 3 || f.tsk_eu_typ > 7)
    return unsupported(fmt::format("pooling or depthwise operation {}", f.tsk_eu_typ));
  TESSERA_ASSIGN(PordJob j, prepare(m, f));
  return chip::isFloat(j.type) ? pordFloats(j) : pordIntegers(j);
}

} // namespace tessera::sim::exec
