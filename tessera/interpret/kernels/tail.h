#pragma once
// From sums to results: what conv2d and deconv do alike behind sliding.h. Internal to
// interpret/kernels.
#include "tessera/interpret/kernels/conv2d.h"
#include "tessera/interpret/kernels/sliding.h"

namespace tessera::interpret {

Tensor slidingFloat(const SlidingShape &s, const Tensor &x, const Tensor &w, const Tensor *bias,
                    bool relu, FloatPath path);
Tensor slidingAccumulate(const SlidingShape &s, const Tensor &x, const Tensor &w,
                         std::span<const int32_t> padValue);
Tensor slidingInt(const SlidingShape &s, const Tensor &x, const Tensor &w, const Tensor *bias,
                  std::span<const int32_t> padValue, const Requantization &q);

/// Of x [n, ic, h, w] under filter w [oc, ic/group, kh, kw]; `taps` is convTaps or deconvTaps.
/// Shapes that do not fit each other are a mistake of the caller (checked).
SlidingShape slidingShape(const Tensor &x, const Tensor &w, const Window2d &window, int64_t group,
                          AxisTaps (*taps)(const Window2d &, int, int64_t));

} // namespace tessera::interpret
