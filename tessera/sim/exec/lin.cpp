// sLIN, per-channel linear functions of floats ("BM1684X measured numerics", section 11).
#include "tessera/sim/exec/ar.h"

namespace tessera::sim::exec {
namespace {
enum Op : uint64_t { kMac = 1, kSquareSum = 20, kSquareDifference = 21 };
} // namespace

Status lin(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sLIN>(command);
  Dims d{int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)};
  Type type = Type(f.res0_prec);
  if (f.tsk_eu_typ != kMac && f.tsk_eu_typ != kSquareSum && f.tsk_eu_typ != kSquareDifference)
    return unsupported(fmt::format("linear operation {}", f.tsk_eu_typ));
  if (!chip::isFloat(type))
    return unsupported("linear operations on integers");
  int64_t size = chip::bytesOf(type);
  TESSERA_ASSIGN(Local res, alignedLocal(m, "result", f.res0_addr, d, size));
  TESSERA_ASSIGN(Local src, alignedLocal(m, "opd0", f.opd0_addr, d, size));
  Operand r = Operand::of(res), x = Operand::of(src);
  Operand a = Operand::constant(uint32_t(f.opd1_addr)),
          b = Operand::constant(uint32_t(f.opd2_addr));
  if (!f.opd1_const) {
    TESSERA_ASSIGN(Local t,
                   local(m, "opd1", f.opd1_addr, {1, d.c, 1, 1}, size, chip::perChannelLayout()));
    a = Operand::of(t);
  }
  if (!f.opd2_const && f.tsk_eu_typ == kMac) {
    TESSERA_ASSIGN(Local t,
                   local(m, "opd2", f.opd2_addr, {1, d.c, 1, 1}, size, chip::perChannelLayout()));
    b = Operand::of(t);
  }
  detach(m, d, {&r}, {&x, &a, &b});
  forRows<4>(d, {r, x, a, b}, [&](auto p, auto, int64_t count) {
    float scale, offset, v;
    loadFloats(&scale, p[2], 0, 1, type);
    loadFloats(&offset, p[3], 0, 1, type);
    for (int64_t i = 0; i < count; ++i) {
      loadFloats(&v, p[1] + i * size, 0, 1, type);
      if (f.tsk_eu_typ == kMac) {
        v = sum(type, roundResult(product(type, v, scale), type), offset);
      } else { // the offset of the squares is opd1
        v = f.tsk_eu_typ == kSquareSum ? sum(type, v, scale) : difference(type, v, scale);
        v = roundResult(v, type);
        v = product(type, v, v);
      }
      storeResult(p[0] + i * size, v, type);
    }
  });
  return {};
}

} // namespace tessera::sim::exec
