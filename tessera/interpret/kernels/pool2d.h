#pragma once
// Pooling: top.MaxPool, top.AvgPool, tpu.Pool2D. Inputs NCHW.
#include "tessera/tensor/tensor.h"
#include "tessera/tensor/window.h"

namespace tessera::interpret {

/// Result sizes are Window2d::pooledOutputSize's.
/// Maximum over each window, F32, I8 or U8 (result of the same type); cells outside never win. A
/// NaN in a window makes the result NaN.
Tensor maxPool(const Tensor &x, const Window2d &window, bool ceilMode = false, bool relu = false);

/// Mean over each window, F32. countIncludePad: divides by the cells of the window that lie in the
/// input or its padding, else by those in the input alone.
Tensor avgPool(const Tensor &x, const Window2d &window, bool countIncludePad = false,
               bool ceilMode = false, bool relu = false);

/// sat((sum over the window * multiplier) >> rshift), half up, I8 or U8 (result of the same type);
/// cells outside count as 0.
Tensor avgPoolInt(const Tensor &x, const Window2d &window, int32_t multiplier, int32_t rshift);

} // namespace tessera::interpret
