// Conversions between types, and the selects, whose result type is not the operands'
// (docs/numerics.md, "AR").
#include "tessera/sim/exec/ar.h"

namespace tessera::sim::exec {

Status arCast(const Arithmetic &a) {
  Type from = a.a.type, to = a.res.type;
  bool fromFloat = chip::isFloat(from), toFloat = chip::isFloat(to);
  if (fromFloat && !toFloat ? a.code > 4 : (fromFloat || toFloat) && a.code > 6)
    return unsupported(fmt::format("a cast with rounding code {}", a.code));
  if (fromFloat && toFloat && from != Type::Fp32 && to != Type::Fp32 && from != to)
    return unsupported("a cast between fp16 and bf16");
  IntRange range = toFloat ? IntRange{} : rangeOf(a.res.bits(), a.res.isSigned);
  numerics::Rounding round = a.round();
  auto fromInt = [=](int64_t v, uint8_t *out) {
    if (to == Type::Fp32)
      storeAs<float>(out, numerics::intToFloat(v, round));
    else if (from != Type::Int32) // by way of fp32, which holds it
      storeAs<uint16_t>(out, to == Type::Fp16 ? numerics::floatToHalf(float(v), round)
                                              : numerics::floatToBfloat(float(v), round));
    else
      storeAs<uint16_t>(out, to == Type::Fp16 ? numerics::intToHalf(v, round)
                                              : numerics::intToBfloat(v, round));
  };
  auto betweenFloats = [=](float v, const uint8_t *in, uint8_t *out) {
    if (from == to) { // rounding to whole numbers, e.g. floor
      v = numerics::roundToWhole(v, round);
      if (v != v) // keeps its bits
        std::memmove(out, in, size_t(chip::bytesOf(to)));
      else
        storeFloats(out, 0, &v, 1, to);
    } else if (to == Type::Fp32) { // exact, denormal or not
      storeAs<float>(out, v);
    } else {
      storeAs<uint16_t>(out, to == Type::Fp16 ? numerics::floatToHalf(v, round)
                                              : numerics::floatToBfloat(v, round));
    }
  };
  forRows<2>(a.d, {a.r, a.x}, [&](auto p, auto step, int64_t count) {
    int64_t v[kRun];
    float x[kRun];
    for (int64_t i = 0; i < count; i += kRun) {
      int64_t n = std::min(kRun, count - i);
      uint8_t *out = p[0] + i * step[0];
      const uint8_t *in = p[1] + i * step[1];
      if (fromFloat)
        loadFloats(x, in, step[1], n, from);
      else
        loadInts(v, in, step[1], n, a.a.bits(), a.a.isSigned);
      if (!toFloat) {
        if (fromFloat)
          for (int64_t k = 0; k < n; ++k)
            v[k] = numerics::roundToInt(x[k], round);
        saturateRun(v, n, range);
        storeInts(out, step[0], v, n, a.res.bits());
      } else {
        for (int64_t k = 0; k < n; ++k)
          if (fromFloat)
            betweenFloats(x[k], in + k * step[1], out + k * step[0]);
          else
            fromInt(v[k], out + k * step[0]);
      }
    }
  });
  return {};
}

/// condition ? opd2 : 0; opd2 is always an immediate.
Status arSelect(const Arithmetic &a) {
  if (a.selected != a.res.type || a.a.bits() < a.res.bits() || a.a.type != a.b.type)
    return unsupported("a select of a value wider than the compared ones, of another type than the "
                       "result, or between operands of two types");
  bool greater = a.op == Ar::SelectGreater, equals = a.op == Ar::SelectEqual;
  int64_t chosen = a.opd2;
  if (!chip::isFloat(a.a.type)) {
    intLoop(a, [=](int64_t *v, const int64_t *x, const int64_t *y, int64_t n) {
      for (int64_t k = 0; k < n; ++k)
        v[k] = (greater ? x[k] > y[k] : equals ? x[k] == y[k] : x[k] < y[k]) ? chosen : 0;
    });
    return {};
  }
  // "equal" compares bit patterns; "less" is true with a NaN unless the patterns are equal.
  forRows<3>(a.d, {a.r, a.x, a.y}, [&](auto p, auto step, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      float x, y;
      const uint8_t *first = p[1] + i * step[1], *second = p[2] + i * step[2];
      loadFloats(&x, first, 0, 1, a.a.type);
      loadFloats(&y, second, 0, 1, a.a.type);
      x = numerics::flush(x), y = numerics::flush(y);
      bool equal = std::memcmp(first, second, size_t(a.a.bits() / 8)) == 0;
      bool holds = greater ? x > y : equals ? equal : !(x >= y) && !equal;
      int64_t v = holds ? chosen : 0;
      storeInts(p[0] + i * step[0], 0, &v, 1, a.res.bits());
    }
  });
  return {};
}

} // namespace tessera::sim::exec
