#pragma once
#include "tessera/tensor/tensor.h"

#include <span>

namespace tessera::interpret {

/// The slices `indices` (0 <= index < size) of one axis in that order, any type. keepDims = false:
/// one index, the axis disappears.
Tensor gather(const Tensor &x, std::span<const int64_t> indices, int64_t axis,
              bool keepDims = true);

} // namespace tessera::interpret
