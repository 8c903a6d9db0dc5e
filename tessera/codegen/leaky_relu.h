#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// x < 0 ? sat((x * multiplier) >> rshift, half up) : x, in one type (I8 or U8); any int16
/// multiplier.
Elementwise leakyReluRecipe(int32_t multiplier, int32_t rshift, DType type);
/// max(x * alpha, x) in a float type; 0 <= alpha <= 1.
Elementwise leakyReluFloatRecipe(double alpha, DType type);

} // namespace tessera::codegen
