#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// One side of an integer addition: sat16(rsh(q * multiplier, rshift, half up)); |multiplier| <
/// 128.
struct AddSide {
  int32_t multiplier = 1, rshift = 0;
};

/// tpu.Add on I8|U8 tensors of equal shape: sat(t_a + t_b) to `out` (I8, or U8 which fuses a ReLU).
/// "Instruction streams" 4.7.
Tensor addInt(const Tensor &a, AddSide sideA, const Tensor &b, AddSide sideB, DType out);

} // namespace tessera::interpret
