#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// a / b in F32 (numerics::divide).
Elementwise divRecipe();

} // namespace tessera::codegen
