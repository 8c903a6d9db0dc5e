#pragma once
// Transposed 2-D convolution: top.Deconv and tpu.Deconv. Filters are [oc, ic/group, kh, kw] (the
// importer swaps ONNX's first two axes), not rotated: input cell y reaches output rows
// y * stride + ky * dilation - pad.
#include "tessera/interpret/kernels/conv2d.h"

namespace tessera::interpret {

/// Float, [n,ic,h,w] -> [n,oc, window.transposedOutputSize]; bias [oc] may be null.
Tensor deconv(const Tensor &x, const Tensor &w, const Tensor *bias, const Window2d &window,
              int64_t group = 1, bool relu = false, FloatPath path = FloatPath::Fast);

/// Integer accumulators as conv2dAccumulate.
Tensor deconvAccumulate(const Tensor &x, const Tensor &w, const Window2d &window,
                        int64_t group = 1);

Tensor deconvInt(const Tensor &x, const Tensor &w, const Tensor *bias, const Window2d &window,
                 int64_t group, const Requantization &q);

} // namespace tessera::interpret
