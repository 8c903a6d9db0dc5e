#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// sat((x * multiplier) >> rshift), half up; I8|U8 to I8|U8, 0 <= multiplier < 127, 0 <= rshift
/// <= 31.
Elementwise mulShiftRecipe(int32_t multiplier, int32_t rshift, DType input, DType result);

} // namespace tessera::codegen
