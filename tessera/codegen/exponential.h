#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// F32: 1 / (1 + e^-x) by the steps of interpret/kernels/exponential.h.
Elementwise sigmoidRecipe();
/// One value of a softmax over the inputs, F32: the result is that of input `which`.
Elementwise softmaxRecipe(size_t which);

} // namespace tessera::codegen
