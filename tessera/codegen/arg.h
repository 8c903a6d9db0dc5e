#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// Index (0 or 1) of the larger or smaller of two inputs of one type (I8 or U8), U8; of equal ones
/// the first, or the last.
Elementwise argOfTwoRecipe(bool smallest, bool lastIndex);

} // namespace tessera::codegen
