#pragma once
// Element-wise recipes: one result element from the same element of each input. They hold for any
// shape, so that the scheduler may lay a tensor out over all lanes as it likes.
#include "tessera/codegen/instruction.h"

#include <functional>
#include <optional>

namespace tessera::codegen {

struct Elementwise {
  std::vector<DType> scratch; ///< one local tensor of the slice's size each
  /// Bytes that every lane holds, or none: a last scratch tensor, U8 [1, 64, 1, size]. Then a
  /// slice's plane is at most chip::kMaxDim elements.
  std::vector<uint8_t> table;
  /// Whether one of several inputs may be LocalTensor::repeated.
  bool repeats = false;
  /// Inputs, scratch and result of equal sizes; no two overlap.
  std::function<void(Instructions &, std::span<const LocalTensor> inputs,
                     std::span<const LocalTensor> scratch, const LocalTensor &result)>
      emit;
};

} // namespace tessera::codegen
