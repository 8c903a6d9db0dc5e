#pragma once
#include "tessera/codegen/elementwise.h"

#include <array>

namespace tessera::codegen {

/// sat((a * b * multiplier) >> rshift), half up, exact before; inputs and result I8|U8,
/// 0 <= multiplier < 127, 0 <= rshift <= 31.
Elementwise mulRecipe(int32_t multiplier, int32_t rshift, std::array<DType, 2> inputs,
                      DType result);

/// a * b in one float type.
Elementwise mulFloatRecipe();

} // namespace tessera::codegen
