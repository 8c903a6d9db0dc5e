#include "tessera/interpret/kernels/permute.h"

#include "tessera/interpret/kernels/elementwise.h"

namespace tessera::interpret {

Tensor permute(const Tensor &x, std::span<const int64_t> order) {
  TESSERA_CHECK(order.size() == x.rank(), "one entry of order an axis");
  Shape from = denseStrides(x.shape()), shape(x.rank()), strides(x.rank());
  std::vector<bool> seen(x.rank());
  for (size_t d = 0; d < x.rank(); ++d) {
    TESSERA_CHECK(order[d] >= 0 && order[d] < int64_t(x.rank()) && !seen[order[d]],
                  "an order of axes");
    seen[order[d]] = true;
    shape[d] = x.dim(order[d]);
    strides[d] = from[order[d]];
  }
  Tensor y(x.dtype(), shape);
  copyStrided(x, 0, strides, y);
  return y;
}

} // namespace tessera::interpret
