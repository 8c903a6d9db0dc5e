#pragma once
// Ops in the chip's float types F32, F16 and BF16, in the chip's order of sums and with its
// roundings (docs/numerics.md): what tpu ops of these types mean. The float kernels of the ops' own
// files are for the top dialect.
#include "tessera/interpret/kernels/arith.h"
#include "tessera/tensor/tensor.h"
#include "tessera/tensor/window.h"

namespace tessera::interpret {

/// Convolution, or transposed convolution over inserted zeros with the filter turned. x [n,ic,h,w],
/// filter F32 [oc, ic/group, kh, kw] whose values x's type holds, bias F32 [oc] or null; result of
/// x's type. Groups run as one dense filter with zeros between them, a convolution of a kernel for
/// each channel as chipDepthwise.
Tensor cubeConv2d(const Tensor &x, const Tensor &filter, const Tensor *bias, const Window2d &window,
                  int64_t group, bool relu);
Tensor cubeDeconv(const Tensor &x, const Tensor &filter, const Tensor *bias, const Window2d &window,
                  int64_t group, bool relu);
/// Sums F32 of a convolution, begun with `previous` (of their shape) or with 0.
Tensor cubeSums(const Tensor &x, const Tensor &filter, const Window2d &window,
                const Tensor *previous);
Tensor chipMaxPool(const Tensor &x, const Window2d &window, bool ceilMode, bool relu);
Tensor chipRelu(const Tensor &x);
/// max(x * alpha, x), alpha rounded to x's type.
Tensor chipLeakyRelu(const Tensor &x, double alpha);
/// F32 with denormals as zeros: what comparisons of the chip see.
Tensor chipFlush(const Tensor &x);
/// Tensors of one type and shape; a quotient of F32 only.
Tensor chipArith(Arith op, const Tensor &a, const Tensor &b);
/// min(max(x, low), high), both rounded to x's type; NaN gives low.
Tensor chipClip(const Tensor &x, double low, double high);
/// Between F32 and F16 or BF16, half to even.
Tensor chipCast(const Tensor &x, DType to);

} // namespace tessera::interpret
