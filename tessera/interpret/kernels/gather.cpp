#include "tessera/interpret/kernels/gather.h"

#include <cstring>

namespace tessera::interpret {

Tensor gather(const Tensor &x, std::span<const int64_t> indices, int64_t axis, bool keepDims) {
  TESSERA_CHECK(axis >= 0 && axis < int64_t(x.rank()), "axis of a gather");
  TESSERA_CHECK(keepDims || indices.size() == 1, "a gather that drops its axis takes one index");
  Shape shape = x.shape();
  shape[axis] = int64_t(indices.size());
  Tensor y(x.dtype(), shape);
  const Shape &from = x.shape();
  int64_t outer = elementCount(std::span(from).first(axis));
  int64_t inner = elementCount(std::span(from).subspan(axis + 1)) * dtypeSize(x.dtype());
  uint8_t *to = y.bytes().data();
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i : indices) {
      TESSERA_CHECK(i >= 0 && i < from[axis], "an index of a gather");
      std::memcpy(to, x.bytes().data() + (o * from[axis] + i) * inner, inner);
      to += inner;
    }
  if (keepDims)
    return y;
  shape.erase(shape.begin() + axis);
  return y.reshaped(shape);
}

} // namespace tessera::interpret
