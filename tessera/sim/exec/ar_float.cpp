// Arithmetic of floats (docs/numerics.md, "AR"): operands and result are of one type; halves
// compute in fp32 and round every operation's result.
#include "tessera/sim/exec/ar.h"

namespace tessera::sim::exec {
namespace {

/// f(x, y) for fp32, plain(x, y) of flushed operands for halves; NaN results are corrected behind,
/// so that the loop stays one of vectors.
template <class F, class Plain> void floatLoop(const Arithmetic &a, F f, Plain plain) {
  Type type = a.res.type;
  forRows<3>(a.d, {a.r, a.x, a.y}, [&](auto p, auto step, int64_t count) {
    float x[kRun], y[kRun], v[kRun];
    for (int64_t i = 0; i < count; i += kRun) {
      int64_t n = std::min(kRun, count - i);
      loadFloats(x, p[1] + i * step[1], step[1], n, type);
      loadFloats(y, p[2] + i * step[2], step[2], n, type);
      bool anyNan = false;
      if (type == Type::Fp32)
        for (int64_t k = 0; k < n; ++k)
          v[k] = f(x[k], y[k]);
      else
        for (int64_t k = 0; k < n; ++k)
          v[k] = plain(numerics::flush(x[k]), numerics::flush(y[k]));
      for (int64_t k = 0; k < n; ++k)
        anyNan |= v[k] != v[k];
      if (anyNan)
        for (int64_t k = 0; k < n; ++k)
          if (v[k] != v[k])
            v[k] = numerics::nanOf(x[k], y[k]);
      for (int64_t k = 0; k < n; ++k)
        storeResult(p[0] + i * step[0] + k * step[0], v[k], type);
    }
  });
}

void extreme(const Arithmetic &a) {
  forRows<3>(a.d, {a.r, a.x, a.y}, [&](auto p, auto step, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      storeExtreme(p[0] + i * step[0], p[1] + i * step[1], p[2] + i * step[2], a.op == Ar::Max,
                   a.res.type);
  });
}

/// Only the sign bit changes.
void absolute(const Arithmetic &a) {
  bool half = a.res.bits() == 16;
  forRows<2>(a.d, {a.r, a.x}, [&](auto p, auto step, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      uint8_t *to = p[0] + i * step[0];
      const uint8_t *from = p[1] + i * step[1];
      if (half)
        storeAs<uint16_t>(to, loadAs<uint16_t>(from) & 0x7FFF);
      else
        storeAs<uint32_t>(to, loadAs<uint32_t>(from) & 0x7FFFFFFF);
    }
  });
}

Arithmetic swapped(Arithmetic a) {
  std::swap(a.a, a.b);
  std::swap(a.x, a.y);
  return a;
}

/// old + a * b, each operation rounded to the type.
void mac(const Arithmetic &a) {
  Type type = a.res.type;
  forRows<4>(a.d, {a.r, a.x, a.y, a.old}, [&](auto p, auto step, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      float x, y, old;
      uint8_t *to = p[0] + i * step[0];
      loadFloats(&x, p[1] + i * step[1], 0, 1, type);
      loadFloats(&y, p[2] + i * step[2], 0, 1, type);
      loadFloats(&old, p[3] + i * step[3], 0, 1, type);
      storeResult(to, sum(type, roundResult(product(type, x, y), type), old), type);
    }
  });
}

} // namespace

Status arFloats(const Arithmetic &a) {
  if (a.a.type != a.res.type || (a.operands > 1 && operandsOf(a.op) > 1 && a.b.type != a.res.type))
    return unsupported("operands and result of different float types");
  switch (a.op) {
  case Ar::Add:
    floatLoop(a, numerics::addFlush, std::plus{});
    return {};
  case Ar::Sub:
    floatLoop(a, numerics::subFlush, std::minus{});
    return {};
  case Ar::Mul:
    floatLoop(a, numerics::mulFlush, std::multiplies{});
    return {};
  case Ar::AbsDifference: {
    // y - x, negated where negative: -0 stays, and of two NaN the second one's payload. Only fp32
    // loses a tiny difference before its sign is looked at.
    auto positive = [](float v) { return v < 0 ? -v : v; };
    floatLoop(
        swapped(a), [=](float y, float x) { return positive(numerics::subFlush(y, x)); },
        [=](float y, float x) { return positive(y - x); });
    return {};
  }
  case Ar::Max:
  case Ar::Min:
    extreme(a);
    return {};
  case Ar::Abs:
    absolute(a);
    return {};
  case Ar::Mac:
    mac(a);
    return {};
  case Ar::Div: {
    if (a.a.type != Type::Fp32)
      return unsupported("division of half types");
    int steps = int(a.code & 3) + 1;
    forRows<3>(a.d, {a.r, a.x, a.y}, [&](auto p, auto step, int64_t count) {
      for (int64_t i = 0; i < count; ++i)
        storeAs<float>(p[0] + i * step[0],
                       numerics::divide(loadAs<float>(p[1] + i * step[1]),
                                        loadAs<float>(p[2] + i * step[2]), steps));
    });
    return {};
  }
  default:
    return unsupported("this operation on floats");
  }
}

} // namespace tessera::sim::exec
