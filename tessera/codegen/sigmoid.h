#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// F32: 1 / (1 + e^-x) by the steps of interpret/kernels/exponential.h.
Elementwise sigmoidRecipe();

} // namespace tessera::codegen
