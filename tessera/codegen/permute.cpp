#include "tessera/codegen/permute.h"

#include "tessera/codegen/arith.h"
#include "tessera/codegen/transfer.h"

#include <algorithm>

namespace tessera::codegen {
namespace {

using Axes = std::vector<PermutedAxis>;
using Side = int64_t PermutedAxis::*;

/// Outermost first.
Axes ordered(Axes axes, Side by) {
  std::ranges::stable_sort(axes, std::greater{}, by);
  return axes;
}
/// The place of axis k of `count` among n, h and w.
size_t placeOf(size_t k, size_t count) { return std::array<size_t, 3>{0, 2, 3}[3 - count + k]; }

GlobalBox box(const PermutedPiece &p, Side by, int32_t buffer, uint64_t offset, DType dtype) {
  GlobalBox b{buffer, offset, dtypeSize(dtype), {1, p.lanes.size, 1, 1}, {1, p.lanes.*by, 1, 1}};
  Axes order = ordered(p.axes, by);
  for (size_t k = 0; k < order.size(); ++k) {
    b.size[placeOf(k, order.size())] = order[k].size;
    b.stride[placeOf(k, order.size())] = order[k].*by;
  }
  return b;
}

LocalSide local(const PermutedPiece &p, const std::array<int64_t, 4> &size, uint32_t address,
                DType dtype) {
  return {address, size[2] * size[3], p.laneBytes(dtype) / dtypeSize(dtype), size[3], 1};
}

} // namespace

int64_t PermutedPiece::laneBytes(DType dtype) const {
  int64_t bytes = dtypeSize(dtype);
  for (const PermutedAxis &a : axes)
    bytes *= a.size;
  return chip::alignUp(bytes, chip::kEuBytes);
}

Instruction PermutedPiece::load(int32_t buffer, uint64_t offset, DType dtype, uint32_t to) const {
  GlobalBox b = box(*this, &PermutedAxis::from, buffer, offset, dtype);
  return codegen::load(b, dtype, local(*this, b.size, to, dtype));
}

Instruction PermutedPiece::store(uint32_t from, DType dtype, int32_t buffer,
                                 uint64_t offset) const {
  GlobalBox b = box(*this, &PermutedAxis::to, buffer, offset, dtype);
  return codegen::store(local(*this, b.size, from, dtype), dtype, b);
}

Instruction PermutedPiece::turn(DType dtype, uint32_t from, uint32_t to) const {
  Axes in = ordered(axes, &PermutedAxis::from), out = ordered(axes, &PermutedAxis::to);
  std::array<int64_t, 4> size = box(*this, &PermutedAxis::to, 0, 0, dtype).size;
  LocalSide result = local(*this, size, to, dtype);
  std::array<uint64_t, 4> stride{0, uint64_t(result.c), 0, 0}; // of the source
  for (size_t k = 0; k < out.size(); ++k) {
    uint64_t step = 1; // of this axis as it was loaded
    for (size_t i = in.size(); i-- > 0 && in[i].from != out[k].from;)
      step *= uint64_t(in[i].size);
    stride[placeOf(k, out.size())] = step;
  }
  auto bytes = uint32_t(laneBytes(dtype));
  return stridedCopy(
      dtype, size, to, {uint64_t(result.n), uint64_t(result.c), uint64_t(result.h), 1},
      {to, to + bytes}, from, {stride[0], stride[1], stride[2], stride[3]}, {from, from + bytes});
}

} // namespace tessera::codegen
