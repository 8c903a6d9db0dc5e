#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// One value of a softmax over the inputs, F32: the result is that of input `which`.
Elementwise softmaxRecipe(size_t which);

} // namespace tessera::codegen
