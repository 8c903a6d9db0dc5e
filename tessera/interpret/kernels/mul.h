#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// tpu.Mul on I8|U8 tensors of equal shape: sat((a * b * multiplier) >> rshift), half up, to `out`
/// (I8|U8); 0 <= multiplier < 127.
Tensor mulInt(const Tensor &a, const Tensor &b, int32_t multiplier, int32_t rshift, DType out);

} // namespace tessera::interpret
