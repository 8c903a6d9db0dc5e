#pragma once
#include "tessera/tensor/tensor.h"

#include <array>
#include <span>

namespace tessera::interpret {

/// Constant padding of any rank and type: `paddings` are all begins, then all ends; negative
/// amounts crop. `value` is in the stored type (TESSERA_CHECK that an integer type holds it
/// exactly).
Tensor pad(const Tensor &x, std::span<const int64_t> paddings, double value);
/// x [n,c,h,w] of a float type with rows and columns around it as a window's `pads` (top, left,
/// bottom, right) say; `value`: what each channel's hold, rounded to the type.
Tensor padChannels(const Tensor &x, const std::array<int64_t, 4> &pads,
                   std::span<const double> value);

} // namespace tessera::interpret
