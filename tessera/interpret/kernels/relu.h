#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// max(x, 0) in x's type (F32, I8, U8) or, for integers, saturated to `out`. NaN stays NaN.
Tensor relu(const Tensor &x);
Tensor reluInt(const Tensor &x, DType out);

} // namespace tessera::interpret
