#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// 1 / (1 + exp(-x)), F32.
Tensor sigmoid(const Tensor &x);

} // namespace tessera::interpret
