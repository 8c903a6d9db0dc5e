#include "tessera/interpret/kernels/conv2d.h"

#include "tessera/interpret/kernels/serial.h"
#include "tessera/interpret/kernels/sliding.h"
#include "tessera/interpret/kernels/tail.h"
#include "tessera/numerics/requantize.h"

#include <algorithm>

namespace tessera::interpret {
namespace {

SlidingShape shapeOf(const Tensor &x, const Tensor &w, const Window2d &window, int64_t group) {
  return slidingShape(x, w, window, group, convTaps);
}

/// x with its pads written out, each channel's padding cells holding its value.
Tensor padPerChannel(const Tensor &x, const Window2d &window, std::span<const double> value) {
  int64_t h = x.dim(2), w = x.dim(3), ph = h + window.pads[0] + window.pads[2],
          pw = w + window.pads[1] + window.pads[3];
  Tensor y(DType::F32, {x.dim(0), x.dim(1), ph, pw});
  const float *from = x.as<float>().data();
  float *to = y.as<float>().data();
  forRange(x.dim(0) * x.dim(1), 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p) {
      std::fill_n(to + p * ph * pw, ph * pw, float(value[p % x.dim(1)]));
      for (int64_t r = 0; r < h; ++r)
        std::copy_n(from + (p * h + r) * w, w,
                    to + (p * ph + r + window.pads[0]) * pw + window.pads[1]);
    }
  });
  return y;
}

} // namespace

Tensor conv2d(const Tensor &x, const Tensor &w, const Tensor *bias, const Window2d &window,
              int64_t group, bool relu, std::span<const double> padValue, FloatPath path) {
  SlidingShape s = shapeOf(x, w, window, group);
  TESSERA_CHECK(padValue.empty() || int64_t(padValue.size()) == x.dim(1),
                "one padding value per input channel");
  if (std::any_of(padValue.begin(), padValue.end(), [](double v) { return v != 0; })) {
    Window2d bare = window;
    bare.pads = {0, 0, 0, 0};
    return conv2d(padPerChannel(x, window, padValue), w, bias, bare, group, relu, {}, path);
  }
  return slidingFloat(s, x, w, bias, relu, path);
}

Tensor conv2dAccumulate(const Tensor &x, const Tensor &w, const Window2d &window, int64_t group,
                        std::span<const int32_t> padValue) {
  return slidingAccumulate(shapeOf(x, w, window, group), x, w, padValue);
}

Tensor conv2dInt(const Tensor &x, const Tensor &w, const Tensor *bias, const Window2d &window,
                 int64_t group, std::span<const int32_t> padValue, const Requantization &q) {
  return slidingInt(shapeOf(x, w, window, group), x, w, bias, padValue, q);
}

} // namespace tessera::interpret
