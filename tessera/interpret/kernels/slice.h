#pragma once
#include "tessera/tensor/tensor.h"

#include <span>

namespace tessera::interpret {

/// Element i of an axis is x's element offset + i * step, i < size; any type and rank; steps may be
/// negative.
Tensor slice(const Tensor &x, std::span<const int64_t> offset, std::span<const int64_t> steps,
             std::span<const int64_t> sizes);

} // namespace tessera::interpret
