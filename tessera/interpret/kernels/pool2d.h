#pragma once
// Pooling: top.MaxPool, top.AvgPool, tpu.Pool2D. Inputs NCHW.
#include "tessera/tensor/tensor.h"
#include "tessera/tensor/window.h"

namespace tessera::interpret {

/// Rows (axis 0) or columns (axis 1) of a pooled tensor. ceilMode: the last window may hang over the
/// padded end, but must start inside the input or the padding before it.
int64_t pooledSize(const Window2d &window, int axis, int64_t in, bool ceilMode);

/// Maximum over each window, F32, I8 or U8 (result of the same type); cells outside never win. A NaN in
/// a window makes the result NaN.
Tensor maxPool(const Tensor &x, const Window2d &window, bool ceilMode = false, bool relu = false);

/// Mean over each window, F32. countIncludePad: divides by the cells of the window that lie in the input
/// or its padding, else by those in the input alone.
Tensor avgPool(const Tensor &x, const Window2d &window, bool countIncludePad = false,
               bool ceilMode = false, bool relu = false);

} // namespace tessera::interpret
