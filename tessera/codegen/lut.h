#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// table[x's byte]: 256 bytes, inputs and result of 8 bits (bm1684x.md 3.3, PE gather with one
/// table for all channels). A lane looks up one element a cycle.
Elementwise lutRecipe(std::vector<uint8_t> table);

} // namespace tessera::codegen
