#include "tessera/interpret/kernels/concat.h"

#include <cstring>

namespace tessera::interpret {

Tensor concat(std::span<const Tensor> inputs, int64_t axis) {
  TESSERA_CHECK(!inputs.empty() && axis >= 0 && axis < int64_t(inputs[0].rank()),
                "axis of a concat");
  Shape shape = inputs[0].shape();
  for (const Tensor &t : inputs.subspan(1)) {
    TESSERA_CHECK(t.dtype() == inputs[0].dtype() && t.rank() == shape.size(), "inputs of a concat");
    for (size_t d = 0; d < shape.size(); ++d)
      TESSERA_CHECK(int64_t(d) == axis || t.dim(d) == shape[d], "inputs of a concat");
    shape[axis] += t.dim(axis);
  }
  Tensor y(inputs[0].dtype(), shape);
  auto chunk = [&](const Shape &s) {
    return elementCount(std::span(s).subspan(axis)) * dtypeSize(y.dtype());
  };
  int64_t outer = elementCount(std::span(shape).first(axis)), pitch = chunk(shape), at = 0;
  for (const Tensor &t : inputs) {
    int64_t bytes = chunk(t.shape());
    if (bytes == 0)
      continue;
    for (int64_t i = 0; i < outer; ++i)
      std::memcpy(y.bytes().data() + i * pitch + at, t.bytes().data() + i * bytes, bytes);
    at += bytes;
  }
  return y;
}

} // namespace tessera::interpret
