#include "tessera/schedule/group_resize.h"

#include <algorithm>

namespace tessera::schedule {

using namespace codegen;

namespace {

AxisTaps tapsOf(const GroupOp &op, const ResizeRows &rows) {
  const AxisTaps &all = op.blend->rows;
  AxisTaps part{all.bits, {all.cells.begin() + rows.from, all.cells.begin() + rows.to}};
  for (auto &cell : part.cells)
    for (Tap &t : cell)
      t.index -= rows.y.in0;
  return part;
}

std::vector<int64_t> mapOf(const GroupOp &op, const ResizeRows &rows) {
  const std::vector<int64_t> &all = op.nearest->rows;
  std::vector<int64_t> part(all.begin() + rows.from, all.begin() + rows.to);
  for (int64_t &i : part)
    i -= rows.y.in0;
  return part;
}

} // namespace

std::optional<WindowAxis> resizeAxis(const GroupOp &op, int64_t in, int64_t out) {
  // Row i of the result lies at i / 2, give or take half a row, and sees the rows around it.
  WindowAxis window{in, out, 1, 1, 1, 5, 2};
  if (out != 2 * in)
    return std::nullopt;
  for (int64_t i = 0; i < out; ++i) {
    auto seen = sliceAxis(window, i, i + 1);
    auto inside = [&](int64_t cell) { return seen && cell >= seen->in0 && cell < seen->in1; };
    bool all = op.nearest ? inside(op.nearest->rows[size_t(i)])
                          : std::ranges::all_of(op.blend->rows.cells[size_t(i)],
                                                [&](const Tap &t) { return inside(t.index); });
    if (!all)
      return std::nullopt;
  }
  return window;
}

std::array<int64_t, 3> resizeScratch(const GroupOp &op, DType type, const ResizeRows &rows,
                                     int64_t columns) {
  if (op.nearest) {
    bool needed = nearestNeedsBetween(mapOf(op, rows), op.nearest->columns);
    return {needed ? chip::alignedLaneBytes(0, 1, 1, rows.y.inputs(), columns, dtypeSize(type)) : 0,
            0, 0};
  }
  BlendScratch s = blendScratch(type, 1, rows.y.inputs(), tapsOf(op, rows), op.blend->columns);
  return {s.betweenBytes, s.products * chip::alignUp(s.productBytes, chip::kEuBytes), s.wideBytes};
}

Instructions resizeSlot(const GroupOp &op, const LocalTensor &input, const ResizeRows &rows,
                        const std::array<uint32_t, 3> &scratch, const LocalTensor &result) {
  if (op.nearest)
    return nearest(input, mapOf(op, rows), op.nearest->columns,
                   {scratch[0], input.dtype, input.c, input.h, result.w}, result);
  AxisTaps taps = tapsOf(op, rows);
  BlendPlaces at{scratch[0], scratch[2], {}};
  int64_t each = blendScratch(input.dtype, 1, input.h, taps, op.blend->columns).productBytes;
  for (size_t k = 0; k < at.products.size(); ++k)
    at.products[k] = uint32_t(scratch[1] + int64_t(k) * chip::alignUp(each, chip::kEuBytes));
  return blend(input, taps, op.blend->columns, at, result);
}

} // namespace tessera::schedule
