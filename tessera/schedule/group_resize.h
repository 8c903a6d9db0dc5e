#pragma once
// Resizes to twice the size inside a group: any coordinates, nearest or by weighted sums.
#include "tessera/codegen/interp.h"
#include "tessera/schedule/plan_group.h"

#include <array>

namespace tessera::schedule {

/// Which rows the result's rows see at most, whatever the coordinates: a window over the input with
/// a zero behind every row. nullopt if the resize sees others, or is to another height.
std::optional<codegen::WindowAxis> resizeAxis(const GroupOp &op, int64_t in, int64_t out);

/// Rows [from, to) of the result, made of input rows `y` of one slot of channels.
struct ResizeRows {
  codegen::AxisSlice y;
  int64_t from = 0, to = 0;
};
/// Lane bytes of scratch tensors.
std::array<int64_t, 3> resizeScratch(const GroupOp &op, DType type, const ResizeRows &rows,
                                     int64_t columns);
codegen::Instructions resizeSlot(const GroupOp &op, const codegen::LocalTensor &input,
                                 const ResizeRows &rows, const std::array<uint32_t, 3> &scratch,
                                 const codegen::LocalTensor &result);

} // namespace tessera::schedule
