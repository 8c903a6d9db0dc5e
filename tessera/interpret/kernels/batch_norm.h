#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// (x - mean) / sqrt(variance + epsilon) * gamma + beta per channel (axis 1), F32; the vectors are
/// [c]. The per-channel factor and offset are formed in double and rounded once.
Tensor batchNorm(const Tensor &x, const Tensor &mean, const Tensor &variance, const Tensor &gamma,
                 const Tensor &beta, double epsilon, bool relu = false);

} // namespace tessera::interpret
