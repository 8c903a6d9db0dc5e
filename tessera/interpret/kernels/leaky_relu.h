#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// x < 0 ? fl(fl32(alpha) * x) : x, F32.
Tensor leakyRelu(const Tensor &x, double alpha);

/// tpu.LeakyRelu on one scale: x < 0 ? sat(rsh(x * multiplier, rshift, half up)) : x, in x's type.
Tensor leakyReluInt(const Tensor &x, int32_t multiplier, int32_t rshift);

} // namespace tessera::interpret
