#pragma once
// Comparisons: 1 where they hold, else 0. top.Compare and tpu.Compare.
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

enum class CompareMode : uint8_t { Greater, GreaterOrEqual, Less, LessOrEqual, Equal };

/// F32 x F32 -> F32 of 0 and 1, NumPy broadcasting; every comparison with NaN is 0.
Tensor compare(CompareMode mode, const Tensor &lhs, const Tensor &rhs);

/// tpu.Compare of two F32 tensors of one shape as the chip does it: denormals are zeros;
/// GreaterOrEqual where rhs is not greater, Equal where neither is (also beside a NaN).
Tensor chipCompare(CompareMode mode, const Tensor &lhs, const Tensor &rhs);

/// tpu.Compare: x (I8|U8 -> U8 with 0 and 1; F32 -> F32) against one threshold in stored values.
Tensor compareWith(CompareMode mode, const Tensor &x, double threshold);

} // namespace tessera::interpret
