#include "tessera/interpret/kernels/depthwise.h"

#include "tessera/interpret/kernels/chip_float.h"
#include "tessera/interpret/kernels/cube.h"
#include "tessera/interpret/kernels/serial.h"

#include <algorithm>

namespace tessera::interpret {
namespace {

/// Result [n,c,oh,ow] of windows over x. Items alternate between two chains that begin with `empty`
/// and are added at the end; the first item is the channel's of `first`, if that is not null.
/// factor(channel, cell) is a cell's weight.
template <class Factor>
Tensor windows(const Tensor &x, const Window2d &w, int64_t oh, int64_t ow, float empty,
               const Tensor *first, const Factor &factor) {
  int64_t channels = x.dim(1), h = x.dim(2), width = x.dim(3);
  DType type = x.dtype();
  Tensor y(type, {x.dim(0), channels, oh, ow});
  forRange(x.dim(0) * channels * oh, 16, [&](int64_t begin, int64_t end) {
    std::vector<float> chains[2];
    for (int64_t row = begin; row < end; ++row) {
      int64_t plane = row / oh, channel = plane % channels;
      size_t item = first ? 1 : 0;
      chains[0].assign(size_t(ow), first ? loaded(*first, channel) : empty);
      chains[1].assign(size_t(ow), empty);
      for (int64_t k = 0; k < w.kernel[0] * w.kernel[1]; ++k) {
        int64_t ky = k / w.kernel[1], kx = k % w.kernel[1];
        int64_t r = row % oh * w.strides[0] + ky * w.dilations[0] - w.pads[0];
        std::vector<float> &chain = chains[item++ & 1];
        for (int64_t column = 0; column < ow; ++column) {
          int64_t c = column * w.strides[1] + kx * w.dilations[1] - w.pads[1];
          bool inside = r >= 0 && r < h && c >= 0 && c < width;
          float v = inside ? loaded(x, (plane * h + r) * width + c) : 0.0f;
          float &sum = chain[size_t(column)];
          sum = chipSum(type, sum, chipProduct(type, v, factor(channel, k)));
        }
      }
      for (int64_t column = 0; column < ow; ++column)
        put(y, row * ow + column,
            chipSum(type, chains[0][size_t(column)], chains[1][size_t(column)]));
    }
  });
  return y;
}

} // namespace

Tensor chipDepthwise(const Tensor &x, const Tensor &filter, const Tensor *bias, const Window2d &w,
                     bool relu) {
  TESSERA_CHECK(filter.dim(0) == x.dim(1) && filter.dim(1) == 1, "a kernel for each channel");
  int64_t cells = w.kernel[0] * w.kernel[1];
  // The bias is the first item also where there is none.
  Tensor first = bias ? bias->converted(x.dtype()) : Tensor(x.dtype(), {x.dim(1)});
  auto weights = filter.as<float>();
  Tensor y = windows(x, w, w.outputSize(0, x.dim(2)), w.outputSize(1, x.dim(3)), 0.0f, &first,
                     [&](int64_t c, int64_t k) { return weights[size_t(c * cells + k)]; });
  return relu ? chipRelu(y) : y;
}

Tensor chipAvgPool(const Tensor &x, const Window2d &w, bool ceilMode, bool relu) {
  Tensor factor(x.dtype(), {1});
  put(factor, 0, 1 / float(w.kernel[0] * w.kernel[1]));
  Tensor y = windows(x, w, w.pooledOutputSize(0, x.dim(2), ceilMode),
                     w.pooledOutputSize(1, x.dim(3), ceilMode), -0.0f, nullptr,
                     [f = loaded(factor, 0)](int64_t, int64_t) { return f; });
  return relu ? chipRelu(y) : y;
}

} // namespace tessera::interpret
