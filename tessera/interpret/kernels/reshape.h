#pragma once
#include "tessera/tensor/tensor.h"

#include <span>

namespace tessera::interpret {

/// The same elements (shared buffer) in another shape of equal count.
Tensor reshape(const Tensor &x, std::span<const int64_t> shape);

} // namespace tessera::interpret
