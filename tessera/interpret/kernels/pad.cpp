#include "tessera/interpret/kernels/pad.h"

#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/half.h"

#include <algorithm>

namespace tessera::interpret {
namespace {

/// `value` as a one-element tensor of type `dtype`.
Tensor scalar(DType dtype, double value) {
  Tensor v = Tensor::of<double>({1}, std::array{value}).converted(dtype);
  TESSERA_CHECK(dtypeIsFloat(dtype) || v.converted(DType::F64).as<double>()[0] == value,
                "a padding value that its type holds");
  return v;
}

} // namespace

Tensor pad(const Tensor &x, std::span<const int64_t> paddings, double value) {
  size_t rank = x.rank();
  TESSERA_CHECK(paddings.size() == 2 * rank, "two paddings an axis");
  Shape shape(rank);
  // What remains of x, and where it starts in x and y.
  Shape keep(rank), fromStart(rank), toStart(rank);
  for (size_t d = 0; d < rank; ++d) {
    shape[d] = x.dim(d) + paddings[d] + paddings[d + rank];
    TESSERA_CHECK(shape[d] >= 0, "a padded size that is not negative");
    fromStart[d] = std::max<int64_t>(0, -paddings[d]);
    toStart[d] = std::max<int64_t>(0, paddings[d]);
    keep[d] =
        std::max<int64_t>(0, std::min(x.dim(d), x.dim(d) + paddings[d + rank]) - fromStart[d]);
  }
  Tensor y(x.dtype(), shape);
  Tensor fill = scalar(x.dtype(), value);
  int64_t size = dtypeSize(x.dtype());
  uint8_t *to = y.bytes().data();
  forRange(y.count(), kElementGrain, [&](int64_t first, int64_t last) {
    if (size == 1) {
      std::fill(to + first, to + last, fill.bytes()[0]);
      return;
    }
    for (int64_t i = first; i < last; ++i)
      std::memcpy(to + i * size, fill.bytes().data(), size);
  });
  Shape xs = denseStrides(x.shape()), ys = denseStrides(shape);
  int64_t xBase = 0, yBase = 0;
  for (size_t d = 0; d < rank; ++d) {
    xBase += fromStart[d] * xs[d];
    yBase += toStart[d] * ys[d];
  }
  const uint8_t *from = x.bytes().data();
  forRows<2>(keep, {xs, ys}, [&](const auto &at, int64_t, int64_t count, const auto &) {
    std::memcpy(to + (yBase + at[1]) * size, from + (xBase + at[0]) * size, count * size);
  });
  return y;
}

Tensor padChannels(const Tensor &x, const std::array<int64_t, 4> &pads,
                   std::span<const double> value) {
  int64_t h = x.dim(2), w = x.dim(3), ph = h + pads[0] + pads[2], pw = w + pads[1] + pads[3],
          size = dtypeSize(x.dtype());
  Tensor y(x.dtype(), {x.dim(0), x.dim(1), ph, pw});
  const uint8_t *from = x.bytes().data();
  uint8_t *to = y.bytes().data();
  forRange(x.dim(0) * x.dim(1), 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p) {
      Tensor fill = scalar(x.dtype(), value[p % x.dim(1)]);
      for (int64_t i = p * ph * pw; i < (p + 1) * ph * pw; ++i)
        std::memcpy(to + i * size, fill.bytes().data(), size);
      for (int64_t r = 0; r < h; ++r)
        std::memcpy(to + ((p * ph + r + pads[0]) * pw + pads[1]) * size,
                    from + (p * h + r) * w * size, w * size);
    }
  });
  return y;
}

} // namespace tessera::interpret
