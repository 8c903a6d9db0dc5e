#include "tessera/interpret/kernels/conv2d.h"

#include "tessera/interpret/kernels/pad.h"
#include "tessera/interpret/kernels/sliding.h"
#include "tessera/interpret/kernels/tail.h"
#include "tessera/numerics/requantize.h"

#include <algorithm>

namespace tessera::interpret {
namespace {

SlidingShape shapeOf(const Tensor &x, const Tensor &w, const Window2d &window, int64_t group) {
  return slidingShape(x, w, window, group, convTaps);
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
    return conv2d(padChannels(x, window.pads, padValue), w, bias, bare, group, relu, {}, path);
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
