#pragma once
#include "tessera/codegen/conv2d.h"

namespace tessera::codegen {

/// Max pool of one slice; padding cells hold the type's minimum and never win (bm1684x.md 4.6).
/// Input and result I8 or U8, alike. `relu`: max with 0 behind it.
Instructions maxPool(const LocalTensor &input, const AxisSlice &y, const AxisSlice &x,
                     const WindowAxis &axisY, const WindowAxis &axisX, const LocalTensor &result,
                     bool relu);

/// Average pool of one slice; padding cells add 0. Input and result I8 or U8, alike: sat((sum *
/// multiplier) >> rshift), half up, multiplier 0 to 255. Or of one float type: each cell times
/// 1 / (cells of the window), every product and sum rounded; the factors count for nothing.
Instructions averagePool(const LocalTensor &input, const AxisSlice &y, const AxisSlice &x,
                         const WindowAxis &axisY, const WindowAxis &axisX,
                         const LocalTensor &result, int32_t multiplier, int32_t rshift);

} // namespace tessera::codegen
