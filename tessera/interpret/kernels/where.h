#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// condition != 0 ? lhs : rhs, all F32, NumPy broadcasting.
Tensor where(const Tensor &condition, const Tensor &lhs, const Tensor &rhs);

} // namespace tessera::interpret
