// sSFU, special functions on fp32 ("BM1684X measured numerics", section 10).
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/local.h"

namespace tessera::sim::exec {
namespace {
enum Op : uint64_t { kTaylor = 13, kRsqrt = 17 };
}

Status sfu(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sSFU>(command);
  Dims d{int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)};
  if (f.tsk_eu_typ != kTaylor && f.tsk_eu_typ != kRsqrt)
    return unsupported(fmt::format("special function {}", f.tsk_eu_typ));
  if (Type(f.res0_prec) != Type::Fp32 || Type(f.opd0_prec) != Type::Fp32)
    return unsupported("special functions on other types than fp32");
  TESSERA_ASSIGN(Local res, alignedLocal(m, "result", f.res0_addr, d, 4));
  TESSERA_ASSIGN(Local src, alignedLocal(m, "opd0", f.opd0_addr, d, 4));
  Operand r = Operand::of(res), x = Operand::of(src), table = Operand::constant(0);
  if (f.tsk_eu_typ == kRsqrt) {
    TESSERA_TRY(sameLane({&r, &x}));
    int steps = int(f.opd2_n_str) + 1;
    forRows<2>(d, {r, x}, [&](auto p, auto, int64_t count) {
      for (int64_t i = 0; i < count; ++i)
        storeAs<float>(p[0] + 4 * i, numerics::rsqrt(loadAs<float>(p[1] + 4 * i), steps));
    });
    return {};
  }
  // Every lane reads its own copy of the coefficients.
  int64_t n = int64_t(f.opd1_n);
  TESSERA_ASSIGN(Local t, local(m, "opd1", f.opd1_addr, {1, std::min(d.c, chip::kLanes), 1, n}, 4,
                                {0, 0, 0, 1}));
  t.strides = {};
  table = Operand::of(t);
  TESSERA_TRY(sameLane({&r, &x, &table}));
  forRows<3>(d, {r, x, table}, [&](auto p, auto, int64_t count) {
    std::span<const float> c(reinterpret_cast<const float *>(p[2]), size_t(n));
    for (int64_t i = 0; i < count; ++i)
      storeAs<float>(p[0] + 4 * i, numerics::taylor(loadAs<float>(p[1] + 4 * i), c));
  });
  return {};
}

} // namespace tessera::sim::exec
