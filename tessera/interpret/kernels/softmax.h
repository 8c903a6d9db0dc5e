#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// exp(x - max) / sum along `axis`, F32, summed in double.
Tensor softmax(const Tensor &x, int64_t axis);

} // namespace tessera::interpret
