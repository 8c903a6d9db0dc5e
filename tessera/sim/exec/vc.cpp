// sVC: an element-wise operation of every element of one vector with every element of another
// (docs/numerics.md, "VC").
#include "tessera/sim/exec/ar.h"

namespace tessera::sim::exec {

Status vc(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sVC>(command);
  Arithmetic a;
  a.op = Ar(f.tsk_eu_typ);
  if (operandsOf(a.op) != 2 || a.op == Ar::Mac)
    return unsupported("an operation of other than two operands on two vectors");
  a.operands = 2;
  a.res = {Type(f.res0_prec), true};
  a.a = {Type(f.opd0_prec), f.opd0_sign != 0};
  a.b = {Type(f.opd1_prec), f.opd1_sign != 0};
  // Divisions take three steps whatever the field says.
  a.code = a.op == Ar::Div ? 2 : uint32_t(f.opd2_n_str);
  int64_t sizes[3] = {a.res.bits() / 8, a.a.bits() / 8, a.b.bits() / 8};
  for (int64_t size : sizes)
    if (size == 0)
      return unsupported("an element type of 4 bits");
  // Vector 0 gives one batch an element: `width` of each channel, fewer of the last.
  int64_t channels = int64_t(f.opd0_c), width = int64_t(f.opd0_w), last = int64_t(f.opd1_w);
  Dims left{1, channels, 1, width}, right{1, int64_t(f.res0_c), 1, int64_t(f.res0_w)};
  if (channels < 1 || last < 1 || last > width)
    return fail("bad-shape", "opd0",
                fmt::format("{} channels of {} elements, {} in the last", channels, width, last));
  a.d = {(channels - 1) * width + last, right.c, 1, right.w};
  TESSERA_ASSIGN(Local r, alignedLocal(m, "result", f.res0_addr, a.d, sizes[0]));
  TESSERA_ASSIGN(Local x, alignedLocal(m, "opd0", f.opd0_addr, left, sizes[1]));
  TESSERA_ASSIGN(Local y, alignedLocal(m, "opd1", f.opd1_addr, right, sizes[2]));
  // Batches of the result lie behind each other; vector 0 is read where its element is.
  std::vector<uint32_t> values(size_t(a.d.n));
  for (int64_t i = 0; i < a.d.n; ++i)
    std::memcpy(&values[size_t(i)], x.plane(0, i / width) + i % width * sizes[1], size_t(sizes[1]));
  Operand second = Operand::of(y), whole = Operand::of(r);
  second.tensor.strides.n = 0;
  detach(m, a.d, {&whole}, {&second});
  int64_t batches = a.d.n;
  a.d.n = 1;
  a.opd2 = 0;
  a.shifts = Operand::constant(0);
  for (int64_t i = 0; i < batches; ++i) {
    a.x = Operand::constant(values[size_t(i)]);
    a.y = second;
    Local batch = r;
    batch.offset += i * r.strides.n * r.size;
    a.r = Operand::of(batch);
    TESSERA_TRY(run(m, a));
  }
  return {};
}

} // namespace tessera::sim::exec
