#pragma once
#include "tessera/codegen/elementwise.h"

namespace tessera::codegen {

/// x > threshold (or x < threshold) ? 1 : 0 on stored values, I8|U8 to U8. `threshold` any number;
/// beyond the type's range the answer is constant.
Elementwise compareRecipe(bool less, double threshold, DType input);

/// F32: 1 where x > threshold (x < threshold), else 0; NaN gives 0.
Elementwise compareFloatRecipe(bool less, float threshold);

enum class Comparison : uint8_t { Greater, GreaterOrEqual, Equal };
/// F32: 1 where a (how) b, else 0; "or equal" where b is not greater, "equal" where neither is.
Elementwise comparePairRecipe(Comparison how);

} // namespace tessera::codegen
