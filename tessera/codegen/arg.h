#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// Index of the largest or smallest of `count` inputs (at most 256) of one type (I8 or U8), U8; of
/// equal ones the first, or the last. Of two in F32 as well, as F32.
Elementwise argRecipe(int64_t count, bool smallest, bool lastIndex, DType type);

} // namespace tessera::codegen
