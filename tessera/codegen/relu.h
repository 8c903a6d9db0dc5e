#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// max(x, 0), I8|U8 to I8|U8 (saturating where the types differ).
Elementwise reluRecipe(DType input, DType result);

} // namespace tessera::codegen
