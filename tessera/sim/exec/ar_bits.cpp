// Bits of integers: logic, shifts, rotation, counting (docs/numerics.md, "AR").
#include "tessera/numerics/integer.h"
#include "tessera/sim/exec/ar.h"

namespace tessera::sim::exec {

Status arBits(const Arithmetic &a) {
  int bits = int(a.a.bits());
  bool sameSize = a.res.bits() == a.a.bits();
  auto each = [&](const Arithmetic &typed, auto f) {
    intLoop(typed, [&](int64_t *v, const int64_t *x, const int64_t *y, int64_t n) {
      for (int64_t k = 0; k < n; ++k)
        v[k] = f(x[k], y[k]);
    });
  };
  switch (a.op) {
  case Ar::And:
  case Ar::Or:
  case Ar::Xor:
    if (a.a.type != a.res.type || a.b.type != a.res.type)
      return unsupported("a logical operation of mixed types");
    if (a.op == Ar::And)
      each(a, [](int64_t x, int64_t y) { return x & y; });
    else if (a.op == Ar::Or)
      each(a, [](int64_t x, int64_t y) { return x | y; });
    else
      each(a, [](int64_t x, int64_t y) { return x ^ y; });
    return {};
  case Ar::Not:
    if (!sameSize)
      return unsupported("a complement of another size");
    each(a, [](int64_t x, int64_t) { return ~x; });
    return {};
  case Ar::Abs:
    if (!sameSize)
      return unsupported("an absolute value of another size");
    // The smallest value stays itself.
    each(a, [](int64_t x, int64_t) { return x < 0 ? -x : x; });
    return {};
  case Ar::FirstOne:
  case Ar::FirstZero:
    if (a.res.bits() > a.a.bits())
      return unsupported("a bit number wider than its operand");
    if (a.op == Ar::FirstOne)
      each(a, [=](int64_t x, int64_t) { return numerics::firstOne(uint32_t(x), bits); });
    else
      each(a, [=](int64_t x, int64_t) { return numerics::firstZero(uint32_t(x), bits); });
    return {};
  case Ar::Rotate:
    if (!sameSize || a.b.bits() > a.a.bits())
      return unsupported("a rotation of another size, or by an amount wider than its operand");
    [[fallthrough]];
  case Ar::ArithmeticShift:
  case Ar::LogicalShift: {
    // The amount is the low byte, signed; logical shifts and rotations take unsigned operands.
    Arithmetic typed = a;
    if (a.op != Ar::ArithmeticShift)
      typed.a.isSigned = false;
    numerics::Rounding round = a.round();
    if (a.op == Ar::Rotate)
      each(typed, [=](int64_t x, int64_t s) {
        return int64_t(numerics::rotate(uint32_t(x), int8_t(s), bits));
      });
    else
      each(typed,
           [=](int64_t x, int64_t s) { return numerics::shiftBy<int64_t>(x, int8_t(s), round); });
    return {};
  }
  default:
    return unsupported("this operation on bits");
  }
}

} // namespace tessera::sim::exec
