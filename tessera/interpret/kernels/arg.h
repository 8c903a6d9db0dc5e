#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// Index of the largest (or smallest) element along `axis`: of equal ones the first, or the last.
/// F32 gives F32, I8|U8 gives U8 (axis of at most 256). The axis stays with size 1, or disappears.
Tensor arg(const Tensor &x, int64_t axis, bool keepDims = true, bool smallest = false,
           bool lastIndex = false);

} // namespace tessera::interpret
