#pragma once
#include "tessera/tensor/tensor.h"

#include <span>

namespace tessera::interpret {

/// Constant padding of any rank and type: `paddings` are all begins, then all ends; negative
/// amounts crop. `value` is in the stored type (TESSERA_CHECK that an integer type holds it
/// exactly).
Tensor pad(const Tensor &x, std::span<const int64_t> paddings, double value);

} // namespace tessera::interpret
