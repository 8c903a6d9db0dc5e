#pragma once
#include "tessera/tensor/tensor.h"

#include <span>

namespace tessera::interpret {

/// Tensors of one type side by side along `axis` (0 <= axis < rank); all other sizes equal.
Tensor concat(std::span<const Tensor> inputs, int64_t axis);

} // namespace tessera::interpret
