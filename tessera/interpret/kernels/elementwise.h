#pragma once
// Loops over elements. Internal to interpret/kernels.
#include "tessera/interpret/kernels/serial.h"
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

inline constexpr int64_t kElementGrain = 1 << 16;

/// y[i] = f(x[i]) for tensors of types To and From.
template <class To, class From, class F>
Tensor mapElements(const Tensor &x, DType out, const F &f) {
  Tensor y(out, x.shape());
  const From *from = x.as<From>().data();
  To *to = y.as<To>().data();
  forRange(x.count(), kElementGrain, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i)
      to[i] = f(from[i]);
  });
  return y;
}

/// mapElements of a float tensor to a float tensor.
template <class F> Tensor mapFloat(const Tensor &x, const F &f) {
  TESSERA_CHECK(x.dtype() == DType::F32, "an f32 tensor");
  return mapElements<float, float>(x, DType::F32, f);
}

/// Calls f(int8_t{}) or f(uint8_t{}) by the type of an 8-bit tensor.
template <class F> auto by8BitType(DType t, const F &f) {
  TESSERA_CHECK(t == DType::I8 || t == DType::U8, "an 8-bit integer type");
  return t == DType::I8 ? f(int8_t{}) : f(uint8_t{});
}

/// Calls f(offsets of N inputs, output offset, count, steps) for every innermost row of a strided
/// walk over `shape`; the last axis steps by steps[n] elements in input n.
template <size_t N, class F>
void forRows(const Shape &shape, const std::array<Shape, N> &strides, const F &f) {
  size_t rank = shape.size();
  int64_t inner = rank ? shape[rank - 1] : 1;
  if (elementCount(shape) == 0)
    return;
  int64_t rows = elementCount(shape) / inner;
  std::array<int64_t, N> steps{};
  for (size_t n = 0; n < N; ++n)
    steps[n] = rank ? strides[n][rank - 1] : 0;
  forRange(rows, std::max<int64_t>(1, kElementGrain / inner), [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      std::array<int64_t, N> at{};
      int64_t rest = r;
      for (size_t d = rank > 0 ? rank - 1 : 0; d-- > 0;) {
        int64_t i = rest % shape[d];
        rest /= shape[d];
        for (size_t n = 0; n < N; ++n)
          at[n] += i * strides[n][d];
      }
      f(at, r * inner, inner, steps);
    }
  });
}

/// Row-major element strides.
inline Shape denseStrides(const Shape &shape) {
  Shape s(shape.size());
  int64_t step = 1;
  for (size_t d = shape.size(); d-- > 0; step *= shape[d])
    s[d] = step;
  return s;
}

/// Calls f with a zero of the unsigned type of `size` bytes (1, 2, 4 or 8): for moving elements
/// whose meaning does not matter.
template <class F> void withElementOfSize(int64_t size, F f) {
  switch (size) {
  case 1:
    return f(uint8_t{});
  case 2:
    return f(uint16_t{});
  case 4:
    return f(uint32_t{});
  default:
    return f(uint64_t{});
  }
}

/// y gets the elements at base + strides of x, whatever their type.
inline void copyStrided(const Tensor &x, int64_t base, const Shape &strides, Tensor &y) {
  auto copy = [&](auto zero) {
    using T = decltype(zero);
    const T *from = x.as<T>().data() + base;
    T *to = y.as<T>().data();
    forRows<1>(y.shape(), {strides},
               [&](const auto &at, int64_t out, int64_t count, const auto &steps) {
                 for (int64_t i = 0; i < count; ++i)
                   to[out + i] = from[at[0] + i * steps[0]];
               });
  };
  withElementOfSize(dtypeSize(x.dtype()), copy);
}

} // namespace tessera::interpret
