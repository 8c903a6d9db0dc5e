#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// Index of the largest or smallest of `count` inputs of one type, of equal ones the first, or the
/// last: of I8 or U8 (at most 256) as U8, of F32 as F32.
Elementwise argRecipe(int64_t count, bool smallest, bool lastIndex, DType type);

} // namespace tessera::codegen
