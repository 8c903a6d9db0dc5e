#pragma once
// Sigmoid and softmax as the chip computes them (numerics/exponential.h), F32.
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// 1 / (1 + e^-x).
Tensor chipSigmoid(const Tensor &x);
/// Along `axis`, 1 / (1 + the sum over the others of e^(other - this)).
Tensor chipSoftmax(const Tensor &x, int64_t axis);

} // namespace tessera::interpret
