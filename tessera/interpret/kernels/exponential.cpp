#include "tessera/interpret/kernels/exponential.h"

#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/exponential.h"

namespace tessera::interpret {

using namespace numerics;

Tensor chipSigmoid(const Tensor &x) {
  return mapFloat(
      x, [](float v) { return divide(1, addNan(powerOf(v, -kLog2E), 1), kDivisionSteps); });
}

Tensor chipSoftmax(const Tensor &x, int64_t axis) {
  Tensor y(DType::F32, x.shape());
  int64_t size = x.dim(size_t(axis)), inner = denseStrides(x.shape())[size_t(axis)];
  auto in = x.as<float>();
  auto out = y.as<float>();
  forRange(x.count() / size, 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      auto at = [&](int64_t i) { return size_t((r / inner * size + i) * inner + r % inner); };
      for (int64_t i = 0; i < size; ++i) {
        float sum = 1;
        for (int64_t k = 0; k < size; ++k)
          if (k != i)
            sum = addNan(powerOf(subFlush(in[at(k)], in[at(i)]), kLog2E), sum);
        out[at(i)] = divide(1, sum, kDivisionSteps);
      }
    }
  });
  return y;
}

} // namespace tessera::interpret
