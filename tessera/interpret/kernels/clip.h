#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// min(max(x, lo), hi), F32; NaN stays NaN.
Tensor clip(const Tensor &x, double lo, double hi);

} // namespace tessera::interpret
