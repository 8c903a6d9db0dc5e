#pragma once
#include "tessera/codegen/instruction.h"

namespace tessera::codegen {

/// Where a softmax works: tensors of the input's size (`powers`, `scratch`) or of one row each.
struct SoftmaxPlaces {
  LocalTensor powers;
  std::array<LocalTensor, 2> scratch, rows;
  LocalTensor table; ///< powerTable() in every lane
};
/// result = e^(x - max) / sum of them, over the rows of each lane: x, result F32 [1, c, n, w].
Instructions softmax(const LocalTensor &x, const SoftmaxPlaces &at, const LocalTensor &result);

} // namespace tessera::codegen
