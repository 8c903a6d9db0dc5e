#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// a - b in one float type.
Elementwise subRecipe();

} // namespace tessera::codegen
