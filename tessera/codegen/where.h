#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// condition > 0 ? a : b of three tensors of one float type.
Elementwise whereRecipe();

} // namespace tessera::codegen
