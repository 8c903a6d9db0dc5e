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

} // namespace tessera::interpret
