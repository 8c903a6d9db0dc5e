#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// F32 -> I8|U8: fl(x * fl(1 / scale)) rounded half away from zero, saturated (bm1684x.md 4.8).
Elementwise quantizeRecipe(double scale, DType result);
/// I8|U8 -> F32: fl(q * fl(scale)).
Elementwise dequantizeRecipe(double scale, DType input);

/// Between F32 and F16 or BF16, half to even.
Elementwise floatCastRecipe();

} // namespace tessera::codegen
