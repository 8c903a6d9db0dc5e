#include "tessera/interpret/kernels/deconv.h"

#include "tessera/interpret/kernels/sliding.h"
#include "tessera/interpret/kernels/tail.h"

namespace tessera::interpret {
namespace {

SlidingShape shapeOf(const Tensor &x, const Tensor &w, const Window2d &window, int64_t group) {
  return slidingShape(x, w, window, group, deconvTaps);
}

} // namespace

Tensor deconv(const Tensor &x, const Tensor &w, const Tensor *bias, const Window2d &window,
              int64_t group, bool relu, FloatPath path) {
  return slidingFloat(shapeOf(x, w, window, group), x, w, bias, relu, path);
}

Tensor deconvAccumulate(const Tensor &x, const Tensor &w, const Window2d &window, int64_t group) {
  return slidingAccumulate(shapeOf(x, w, window, group), x, w, {});
}

Tensor deconvInt(const Tensor &x, const Tensor &w, const Tensor *bias, const Window2d &window,
                 int64_t group, const Requantization &q) {
  return slidingInt(shapeOf(x, w, window, group), x, w, bias, {}, q);
}

} // namespace tessera::interpret
