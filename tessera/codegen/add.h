#pragma once
#include "tessera/codegen/elementwise.h"

#include <array>

namespace tessera::codegen {

/// sat(sat16((a * ma) >> ra) + sat16((b * mb) >> rb)), half up (bm1684x.md 4.7). Inputs I8|U8 each,
/// result I8 or U8 (fused ReLU); 0 <= m < 127, 0 <= r <= 31.
Elementwise addRecipe(std::array<int32_t, 2> multiplier, std::array<int32_t, 2> rshift,
                      DType result);

/// a + b in one float type.
Elementwise addFloatRecipe(bool relu);

} // namespace tessera::codegen
