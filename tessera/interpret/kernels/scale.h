#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// fl(fl(x * scale) + bias) per channel (axis 1), F32; the vectors are [c].
Tensor scale(const Tensor &x, const Tensor &scale, const Tensor &bias, bool relu = false);

} // namespace tessera::interpret
