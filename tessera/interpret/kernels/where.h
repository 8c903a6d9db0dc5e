#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// tpu.Where: condition > 0 ? lhs : rhs, bit by bit; three tensors of one shape and float type.
Tensor chipWhere(const Tensor &condition, const Tensor &lhs, const Tensor &rhs);

/// condition != 0 ? lhs : rhs, all F32, NumPy broadcasting.
Tensor where(const Tensor &condition, const Tensor &lhs, const Tensor &rhs);

} // namespace tessera::interpret
