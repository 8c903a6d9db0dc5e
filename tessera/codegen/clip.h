#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// min(max(x, low), high) in a float type, to which the bounds are rounded.
Elementwise clipRecipe(double low, double high, DType type);

} // namespace tessera::codegen
