#include "tessera/interpret/kernels/deconv.h"

#include "tessera/interpret/kernels/sliding.h"
#include "tessera/interpret/kernels/tail.h"

namespace tessera::interpret {
namespace {

SlidingShape shapeOf(const Tensor &x, const Tensor &w, const Window2d &window, int64_t group) {
  TESSERA_CHECK(x.rank() == 4 && w.rank() == 4, "a transposed convolution of rank-4 tensors");
  TESSERA_CHECK(group > 0 && x.dim(1) == w.dim(1) * group && w.dim(0) % group == 0 &&
                    w.dim(2) == window.kernel[0] && w.dim(3) == window.kernel[1],
                "filter shape of a transposed convolution");
  return {x.dim(0),
          x.dim(1),
          w.dim(0),
          group,
          w.dim(2),
          w.dim(3),
          deconvTaps(window, 0, x.dim(2)),
          deconvTaps(window, 1, x.dim(3))};
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
