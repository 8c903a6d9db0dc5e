#pragma once
// GDMA moves between global and local memory, and constant fills.
#include "tessera/codegen/instruction.h"

#include <span>

namespace tessera::codegen {

/// Strides of the local side in elements; h and w default to the packed rows of the aligned layout.
/// The address holds the start lane too (chip::localAddress).
struct LocalSide {
  uint32_t address = 0;
  int64_t n = 0, c = 0, h = 0, w = 1;
};
LocalSide localSide(const LocalTensor &t);

/// Global box -> local memory, element (n,c,h,w) by the strides of each side (bm1684x.md 3.13).
Instruction load(const GlobalBox &from, DType dtype, const LocalSide &to);
Instruction store(const LocalSide &from, DType dtype, const GlobalBox &to);
/// `width` bytes for each of the lanes 0..rows-1, to `address` there. The buffer holds them as
/// packRows leaves them: row k of a matrix is piece k of all lanes, so that one matrix command (no
/// size field holds rows * width) moves many pieces. A tensor command where that is cheaper.
Instructions loadRows(int32_t buffer, uint64_t offset, int64_t rows, int64_t width,
                      uint32_t address);
/// `rows` x `width` bytes, row by row, in the order in which loadRows wants them.
std::vector<uint8_t> packRows(std::span<const uint8_t> bytes, int64_t rows, int64_t width);
/// Every element of the box = `value` (low bits by the element size).
Instruction fill(const GlobalBox &to, DType dtype, uint32_t value);

} // namespace tessera::codegen
