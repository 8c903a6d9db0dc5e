#pragma once
#include "tessera/codegen/conv2d.h"

namespace tessera::codegen {

/// Max pool of one slice; padding cells hold the type's minimum and never win (bm1684x.md 4.6).
/// Input and result I8 or U8, alike. `relu`: max with 0 behind it.
Instructions maxPool(const LocalTensor &input, const AxisSlice &y, const AxisSlice &x,
                     const WindowAxis &axisY, const WindowAxis &axisX, const LocalTensor &result,
                     bool relu);

} // namespace tessera::codegen
