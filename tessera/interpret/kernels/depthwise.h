#pragma once
// What the chip's pooling unit sums in floats: each product and each sum is rounded to the type
// (docs/numerics.md, "sPorD").
#include "tessera/tensor/tensor.h"
#include "tessera/tensor/window.h"

namespace tessera::interpret {

/// Depthwise convolution of x [n,c,h,w] in F32, F16 or BF16; filter F32 [c,1,kh,kw] whose values
/// x's type holds, bias F32 [c] (rounded to the type) or null; result of x's type.
Tensor chipDepthwise(const Tensor &x, const Tensor &filter, const Tensor *bias,
                     const Window2d &window, bool relu);

/// Sum over each window of x / (cells of the window); cells outside count as 0.
Tensor chipAvgPool(const Tensor &x, const Window2d &window, bool ceilMode, bool relu);

} // namespace tessera::interpret
