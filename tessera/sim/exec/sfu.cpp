// sSFU, special functions ("BM1684X measured numerics", section 10; docs/numerics.md for the half
// types and the exponent).
#include "tessera/numerics/exponent.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/exec/float_ops.h"
#include "tessera/sim/local.h"

namespace tessera::sim::exec {
namespace {

enum Op : uint64_t { kTaylor4x = 12, kTaylor = 13, kExponent = 15, kRsqrt = 17 };

/// Horner's rule, every product and sum rounded to the type.
Status taylor(Machine &m, const isa::sSFU &f, Dims d, Type type, Operand r, Operand x) {
  int64_t size = chip::bytesOf(type), n = int64_t(f.opd1_n);
  if (n < 2)
    return fail("bad-command", "opd1_n", fmt::format("{} coefficients", n),
                "a polynomial has at least 2");
  if (f.opd1_addr % chip::kEuBytes)
    return fail("bad-address", "opd1",
                fmt::format("coefficients at 0x{:x} are not at a multiple of {} bytes", f.opd1_addr,
                            chip::kEuBytes));
  // Every lane reads its own copy of the coefficients.
  TESSERA_ASSIGN(Local t, local(m, "opd1", f.opd1_addr, {1, std::min(d.c, chip::kLanes), 1, n},
                                size, {0, 0, 0, 1}));
  t.strides = {};
  detach(m, {&r.tensor}, {&t});
  forRows<3>(d, {r, x, Operand::of(t)}, [&](auto p, auto, int64_t count) {
    std::vector<float> c(static_cast<size_t>(n));
    loadFloats(c.data(), p[2], size, n, type);
    float v[kRun], sums[kRun];
    for (int64_t first = 0; first < count; first += kRun) {
      int64_t k = std::min(kRun, count - first);
      loadFloats(v, p[1] + first * size, size, k, type);
      for (int64_t i = 0; i < k; ++i) {
        float s = c[size_t(n - 1)];
        for (int64_t j = n - 1; j-- > 0;)
          s = roundResult(sum(type, roundResult(product(type, s, v[i]), type), c[size_t(j)]), type);
        sums[i] = s;
      }
      storeFloats(p[0] + first * size, size, sums, k, type);
    }
  });
  return {};
}

/// The exponent field as an integer, or the power of two of that exponent.
Status exponent(const isa::sSFU &f, Dims d, Type type, Operand r, Operand x) {
  Type to = Type(f.res0_prec);
  bool isInt = to == (type == Type::Fp32 ? Type::Int32 : Type::Int16);
  if (!isInt && to != type)
    return unsupported("the exponent in this type");
  numerics::ExponentField field = type == Type::Fp32   ? numerics::kFp32Exponent
                                  : type == Type::Fp16 ? numerics::kFp16Exponent
                                                       : numerics::kBf16Exponent;
  int64_t size = chip::bytesOf(type);
  forRows<2>(d, {r, x}, [&](auto p, auto, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      uint32_t bits = size == 4 ? loadAs<uint32_t>(p[1] + 4 * i) : loadAs<uint16_t>(p[1] + 2 * i);
      uint32_t v =
          isInt ? numerics::nearestExponent(bits, field) : numerics::nearestPower(bits, field);
      size == 4 ? storeAs(p[0] + 4 * i, v) : storeAs(p[0] + 2 * i, uint16_t(v));
    }
  });
  return {};
}

} // namespace

Status sfu(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sSFU>(command);
  Dims d{int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)};
  uint64_t op = f.tsk_eu_typ;
  if (op != kTaylor4x && op != kTaylor && op != kExponent && op != kRsqrt)
    return unsupported(fmt::format("special function {}", op));
  auto type = Type(f.opd0_prec);
  if (!chip::isFloat(type))
    return unsupported("special functions of integers");
  if (op != kExponent && f.res0_prec != f.opd0_prec)
    return unsupported("special functions between types");
  if (op == kRsqrt && type != Type::Fp32)
    return unsupported("the reciprocal square root of other types than fp32");
  int64_t size = chip::bytesOf(type);
  if (chip::bytesOf(Type(f.res0_prec)) != size)
    return unsupported("the exponent in this type");
  TESSERA_ASSIGN(Local res, alignedLocal(m, "result", f.res0_addr, d, size));
  TESSERA_ASSIGN(Local src, alignedLocal(m, "opd0", f.opd0_addr, d, size));
  Operand r = Operand::of(res), x = Operand::of(src);
  detach(m, d, {&r}, {&x});
  if (op == kExponent)
    return exponent(f, d, type, r, x);
  if (op != kRsqrt)
    return taylor(m, f, d, type, r, x);
  int steps = int(f.opd2_n_str) + 1;
  forRows<2>(d, {r, x}, [&](auto p, auto, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      storeAs<float>(p[0] + 4 * i, numerics::rsqrt(loadAs<float>(p[1] + 4 * i), steps));
  });
  return {};
}

} // namespace tessera::sim::exec
