#include "tessera/interpret/kernels/softmax.h"

#include "tessera/interpret/kernels/elementwise.h"

#include <cmath>

namespace tessera::interpret {

Tensor softmax(const Tensor &x, int64_t axis) {
  TESSERA_CHECK(x.dtype() == DType::F32 && axis >= 0 && axis < int64_t(x.rank()),
                "axis of a softmax");
  Tensor y(DType::F32, x.shape());
  if (x.count() == 0)
    return y;
  int64_t size = x.dim(axis), inner = elementCount(std::span(x.shape()).subspan(axis + 1));
  const float *from = x.as<float>().data();
  float *to = y.as<float>().data();
  forRange(x.count() / size, 1024, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      int64_t at = i / inner * size * inner + i % inner;
      float top = from[at];
      for (int64_t k = 1; k < size; ++k)
        top = from[at + k * inner] > top ? from[at + k * inner] : top;
      double sum = 0;
      for (int64_t k = 0; k < size; ++k)
        sum += to[at + k * inner] = std::exp(from[at + k * inner] - top);
      for (int64_t k = 0; k < size; ++k)
        to[at + k * inner] = float(to[at + k * inner] / sum);
    }
  });
  return y;
}

} // namespace tessera::interpret
