#pragma once
#include "tessera/tensor/tensor.h"

#include <span>

namespace tessera::interpret {

/// Result axis i is x's axis order[i]; any type.
Tensor permute(const Tensor &x, std::span<const int64_t> order);

} // namespace tessera::interpret
