#include "tessera/interpret/kernels/compare.h"

#include "tessera/interpret/kernels/arith.h"
#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/float.h"

namespace tessera::interpret {
namespace {

/// Calls f with the predicate of a mode.
template <class F> Tensor withPredicate(CompareMode mode, const F &f) {
  switch (mode) {
  case CompareMode::Greater:
    return f([](auto a, auto b) { return a > b; });
  case CompareMode::GreaterOrEqual:
    return f([](auto a, auto b) { return a >= b; });
  case CompareMode::Less:
    return f([](auto a, auto b) { return a < b; });
  case CompareMode::LessOrEqual:
    return f([](auto a, auto b) { return a <= b; });
  case CompareMode::Equal:
    return f([](auto a, auto b) { return a == b; });
  }
  TESSERA_CHECK(false, "a comparison mode");
}

} // namespace

Tensor compare(CompareMode mode, const Tensor &lhs, const Tensor &rhs) {
  TESSERA_CHECK(lhs.dtype() == DType::F32 && rhs.dtype() == DType::F32, "float operands");
  return withPredicate(mode, [&](auto holds) {
    Tensor y(DType::F32, broadcastShape(lhs.shape(), rhs.shape()));
    const float *a = lhs.as<float>().data(), *b = rhs.as<float>().data();
    float *to = y.as<float>().data();
    forRows<2>(y.shape(),
               {broadcastStrides(lhs.shape(), y.shape()), broadcastStrides(rhs.shape(), y.shape())},
               [&](const auto &at, int64_t out, int64_t count, const auto &steps) {
                 for (int64_t i = 0; i < count; ++i)
                   to[out + i] =
                       holds(a[at[0] + i * steps[0]], b[at[1] + i * steps[1]]) ? 1.f : 0.f;
               });
    return y;
  });
}

Tensor chipCompare(CompareMode mode, const Tensor &lhs, const Tensor &rhs) {
  auto greater = [](float a, float b) { return numerics::flush(a) > numerics::flush(b); };
  Tensor y(DType::F32, lhs.shape());
  const float *a = lhs.as<float>().data(), *b = rhs.as<float>().data();
  float *to = y.as<float>().data();
  forRange(y.count(), kElementGrain, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      bool holds = mode == CompareMode::Greater ? greater(a[i], b[i]) : !greater(b[i], a[i]);
      if (mode == CompareMode::Equal)
        holds = holds && !greater(a[i], b[i]);
      to[i] = holds ? 1.f : 0.f;
    }
  });
  return y;
}

Tensor compareWith(CompareMode mode, const Tensor &x, double threshold) {
  return withPredicate(mode, [&](auto holds) {
    if (x.dtype() == DType::F32)
      return mapFloat(x, [=, t = float(threshold)](float v) { return holds(v, t) ? 1.f : 0.f; });
    return by8BitType(x.dtype(), [&](auto zero) {
      return mapElements<uint8_t, decltype(zero)>(
          x, DType::U8, [=](auto v) { return uint8_t(holds(double(v), threshold)); });
    });
  });
}

} // namespace tessera::interpret
