#include "tessera/interpret/kernels/exponential.h"

#include "tessera/interpret/kernels/chip_float.h"
#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/exponential.h"

#include <vector>

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
    std::vector<float> powers(static_cast<size_t>(size));
    for (int64_t r = begin; r < end; ++r) {
      auto at = [&](int64_t i) { return size_t((r / inner * size + i) * inner + r % inner); };
      float most = flush(in[at(0)]);
      for (int64_t i = 1; i < size; ++i)
        if (float v = flush(in[at(i)]); v > most)
          most = v;
      float sum = 0;
      for (int64_t i = 0; i < size; ++i) {
        powers[size_t(i)] = powerOf(chipDifference(DType::F32, in[at(i)], most), kLog2E);
        sum = i == 0 && size > 1 ? powers[0] : addNan(powers[size_t(i)], sum);
      }
      float share = divide(1, sum, kDivisionSteps);
      for (int64_t i = 0; i < size; ++i)
        out[at(i)] = mulNan(powers[size_t(i)], share);
    }
  });
  return y;
}

} // namespace tessera::interpret
