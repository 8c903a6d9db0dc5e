#pragma once
// A tensor's axes in another order: loaded in runs of the source, turned inside the lanes, stored
// in runs of the result.
#include "tessera/codegen/instruction.h"

namespace tessera::codegen {

/// An axis with its strides in both tensors, in elements.
struct PermutedAxis {
  int64_t size, from, to;
};

/// A piece: one axis across the lanes (at most 64 of it) and up to three inside of every lane,
/// dense in local memory in the order of either side. Of the axes inside, the one of stride 1 in a
/// tensor makes its runs.
struct PermutedPiece {
  std::vector<PermutedAxis> axes;
  PermutedAxis lanes;

  /// What it takes of a lane, loaded or turned.
  int64_t laneBytes(DType dtype) const;
  /// From `offset` bytes of a global buffer to local memory, and back.
  Instruction load(int32_t buffer, uint64_t offset, DType dtype, uint32_t to) const;
  Instruction turn(DType dtype, uint32_t from, uint32_t to) const;
  Instruction store(uint32_t from, DType dtype, int32_t buffer, uint64_t offset) const;
};

} // namespace tessera::codegen
