#include "tessera/interpret/kernels/batch_norm.h"

#include "tessera/interpret/kernels/scale.h"

#include <cmath>

namespace tessera::interpret {

Tensor batchNorm(const Tensor &x, const Tensor &mean, const Tensor &variance, const Tensor &gamma,
                 const Tensor &beta, double epsilon, bool relu) {
  int64_t channels = x.rank() >= 2 ? x.dim(1) : 0;
  for (const Tensor *t : {&mean, &variance, &gamma, &beta})
    TESSERA_CHECK(t->dtype() == DType::F32 && t->count() == channels, "batch norm vectors [c]");
  Tensor factor(DType::F32, {channels}), offset(DType::F32, {channels});
  for (int64_t c = 0; c < channels; ++c) {
    double f = double(gamma.as<float>()[c]) / std::sqrt(double(variance.as<float>()[c]) + epsilon);
    factor.as<float>()[c] = float(f);
    offset.as<float>()[c] = float(double(beta.as<float>()[c]) - double(mean.as<float>()[c]) * f);
  }
  return scale(x, factor, offset, relu);
}

} // namespace tessera::interpret
