#include "tessera/interpret/kernels/slice.h"

#include "tessera/interpret/kernels/elementwise.h"

namespace tessera::interpret {

Tensor slice(const Tensor &x, std::span<const int64_t> offset, std::span<const int64_t> steps,
             std::span<const int64_t> sizes) {
  size_t rank = x.rank();
  TESSERA_CHECK(offset.size() == rank && steps.size() == rank && sizes.size() == rank,
                "one offset, step and size an axis");
  Tensor y(x.dtype(), Shape(sizes.begin(), sizes.end()));
  if (y.count() == 0)
    return y;
  Shape strides = denseStrides(x.shape());
  int64_t base = 0;
  for (size_t d = 0; d < rank; ++d) {
    int64_t last = offset[d] + (sizes[d] - 1) * steps[d];
    TESSERA_CHECK(offset[d] >= 0 && offset[d] < x.dim(d) && last >= 0 && last < x.dim(d),
                  "a slice inside its tensor");
    base += offset[d] * strides[d];
    strides[d] *= steps[d];
  }
  copyStrided(x, base, strides, y);
  return y;
}

} // namespace tessera::interpret
