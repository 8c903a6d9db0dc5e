#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// tpu.MulShift: sat(rsh(q * multiplier, rshift, half up)) of an I8|U8 tensor to `out` (I8|U8).
/// 0 <= multiplier < 127, 0 <= rshift <= 31.
Tensor mulShift(const Tensor &x, int32_t multiplier, int32_t rshift, DType out);

} // namespace tessera::interpret
