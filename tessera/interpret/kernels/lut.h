#pragma once
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

/// tpu.Lut: table[x's byte as an unsigned number] as `out`; 256 values that `out` (I8 or U8) holds.
Tensor lut(const Tensor &x, const std::vector<int32_t> &table, DType out);

} // namespace tessera::interpret
