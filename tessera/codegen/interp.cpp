#include "tessera/codegen/interp.h"

#include "tessera/codegen/arith.h"

namespace tessera::codegen {
namespace {

// The factor f >= 1 with map[i] == i / f for all i and whole groups of f, or 0.
int64_t wholeFactor(std::span<const int64_t> map) {
  int64_t count = int64_t(map.size()), f = 1;
  while (f < count && map[size_t(f)] == map[0])
    ++f;
  if (map[0] != 0 || count % f != 0)
    return 0;
  for (int64_t i = 0; i < count; ++i)
    if (map[size_t(i)] != i / f)
      return 0;
  return f;
}

// Pieces of a map with a constant step: result indices [first, first + count) take from + i * step.
struct Piece {
  int64_t first, count, from, step;
};
std::vector<Piece> pieces(std::span<const int64_t> map) {
  std::vector<Piece> list;
  for (size_t i = 0; i < map.size();) {
    size_t j = i + 1;
    int64_t step = j < map.size() ? map[j] - map[i] : 1;
    while (j < map.size() && map[j] - map[j - 1] == step)
      ++j;
    list.push_back({int64_t(i), int64_t(j - i), map[i], step});
    i = j;
  }
  return list;
}

isa::Strides strides(const LocalTensor &t, int64_t h, int64_t w) {
  return {0, uint64_t(t.planeElements()), uint64_t(h), uint64_t(w)};
}

} // namespace

bool nearestNeedsBetween(std::span<const int64_t> rows, std::span<const int64_t> columns) {
  return wholeFactor(rows) == 0 || wholeFactor(columns) == 0;
}

Instructions nearest(const LocalTensor &input, std::span<const int64_t> rows,
                     std::span<const int64_t> columns, const LocalTensor &between,
                     const LocalTensor &result) {
  Instructions list;
  int64_t fy = wholeFactor(rows), fx = wholeFactor(columns), bytes = input.elementBytes();
  if (fy > 0 && fx > 0) {
    // One pass a row replica: batch runs over input rows, h over input columns, w over the replicas
    // of one column, so that every result row is written in one contiguous run.
    for (int64_t a = 0; a < fy; ++a)
      list.push_back(
          stridedCopy(input.dtype, {input.h, input.c, input.w, fx},
                      uint32_t(result.address + a * result.w * bytes),
                      {uint64_t(fy * result.w), uint64_t(result.planeElements()), uint64_t(fx), 1},
                      result.range(), input.address,
                      {uint64_t(input.w), uint64_t(input.planeElements()), 1, 0}, input.range()));
    return list;
  }
  for (const Piece &p : pieces(columns))
    list.push_back(stridedCopy(
        input.dtype, {1, input.c, input.h, p.count}, uint32_t(between.address + p.first * bytes),
        strides(between, between.w, 1), between.range(), uint32_t(input.address + p.from * bytes),
        strides(input, input.w, p.step), input.range()));
  for (const Piece &p : pieces(rows))
    list.push_back(stridedCopy(input.dtype, {1, input.c, p.count, result.w},
                               uint32_t(result.address + p.first * result.w * bytes),
                               strides(result, result.w, 1), result.range(),
                               uint32_t(between.address + p.from * between.w * bytes),
                               strides(between, p.step * between.w, 1), between.range()));
  return list;
}

} // namespace tessera::codegen
