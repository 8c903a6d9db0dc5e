#include "tessera/interpret/kernels/reshape.h"

namespace tessera::interpret {

Tensor reshape(const Tensor &x, std::span<const int64_t> shape) {
  TESSERA_CHECK(elementCount(shape) == x.count(), "a reshape to as many elements");
  return x.reshaped(Shape(shape.begin(), shape.end()));
}

} // namespace tessera::interpret
