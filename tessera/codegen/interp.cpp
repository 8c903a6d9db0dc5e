#include "tessera/codegen/interp.h"

#include "tessera/codegen/arith.h"

#include <algorithm>
#include <limits>

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

namespace {

// Result cells first, first + step, ... of equal weights, whose taps lie `sourceStep` apart.
struct TapRun {
  int64_t first, step, count, sourceStep;
  const std::vector<Tap> *taps; ///< of the first
};

std::vector<TapRun> tapRuns(const AxisTaps &axis) {
  // Wider steps are priced like cell by cell, so that a run takes neighbours only.
  constexpr int64_t kWidestStep = 8;
  auto alike = [&](size_t a, size_t b) {
    const auto &s = axis.cells[a], &t = axis.cells[b];
    return std::ranges::equal(s, t, [&](const Tap &x, const Tap &y) {
      return x.weight == y.weight && x.index - s[0].index == y.index - t[0].index;
    });
  };
  auto at = [&](size_t i) { return axis.cells[i][0].index; };
  std::vector<bool> done(axis.cells.size(), false);
  std::vector<TapRun> list;
  for (size_t i = 0; i < done.size(); ++i) {
    if (done[i])
      continue;
    TapRun run{int64_t(i), 1, 1, 1, &axis.cells[i]};
    for (size_t j = i + 1; j < done.size() && j <= i + kWidestStep; ++j) {
      if (done[j] || !alike(i, j) || at(j) < at(i))
        continue;
      run.step = int64_t(j - i);
      run.sourceStep = at(j) - at(i);
      break;
    }
    auto next = [&](int64_t k) { return i + size_t(k * run.step); };
    while (next(run.count) < done.size() && !done[next(run.count)] && alike(i, next(run.count)) &&
           at(next(run.count)) == at(i) + run.count * run.sourceStep)
      ++run.count;
    for (int64_t k = 0; k < run.count; ++k)
      done[next(k)] = true;
    list.push_back(run);
  }
  return list;
}

/// The sums over one axis, shifted right by `shift`: rows (axis 0) or columns of `from` to `to`.
class AxisSum {
public:
  AxisSum(int axis, const LocalTensor &from, const LocalTensor &to, DType sums, int shift,
          const std::array<uint32_t, 3> &products)
      : axis_(axis), from_(from), to_(to), sums_(sums), shift_(shift), products_(products) {}

  void emit(Instructions &list, const AxisTaps &taps) {
    for (const TapRun &run : tapRuns(taps))
      emitRun(list, run);
  }

private:
  void emitRun(Instructions &list, const TapRun &run) {
    LocalTensor to = to_;
    (axis_ ? to.w : to.h) = run.count;
    to.address += uint32_t(run.first * (axis_ ? 1 : to_.w) * to_.elementBytes());
    isa::Strides strides{0, uint64_t(to_.planeElements()), uint64_t((axis_ ? 1 : run.step) * to_.w),
                         uint64_t(axis_ ? run.step : 1)};
    auto factor = [&](const Tap &t) {
      if (floats_)
        return immediateFloat(float(t.weight));
      return immediateOperand(int64_t(t.weight), dtypeIsSigned(sums_) ? DType::I16 : DType::U16);
    };
    ArithExtra last;
    if (shift_)
      last.shift = -shift_;
    auto finish = [&](Arith op, const ArithOperand &a, const ArithOperand &b) {
      list.push_back(arith(op, to, a, b, last, strides));
      list.back().writes = {to_.range()};
    };
    Arith mul = floats_ ? Arith::Mul : Arith::MulSat, add = floats_ ? Arith::Add : Arith::AddSat;
    const std::vector<Tap> &taps = *run.taps;
    if (taps.size() == 1)
      return finish(mul, cells(run, taps[0]), factor(taps[0]));
    auto scratch = [&](int k) {
      return LocalTensor{products_[size_t(k)], sums_, to.c, to.h, to.w};
    };
    auto term = [&](const Tap &t, int k) {
      if (t.weight == 1)
        return cells(run, t);
      list.push_back(arith(mul, scratch(k), cells(run, t), factor(t)));
      return tensorOperand(scratch(k));
    };
    ArithOperand sum = term(taps[0], 1);
    int free = 2;
    for (size_t k = 1; k < taps.size(); ++k) {
      ArithOperand next = term(taps[k], 0);
      if (k + 1 == taps.size())
        return finish(add, sum, next);
      list.push_back(arith(add, scratch(free), sum, next));
      sum = tensorOperand(scratch(free));
      free = free == 2 ? 1 : 2;
    }
  }
  /// The cells of one tap.
  ArithOperand cells(const TapRun &run, const Tap &t) const {
    ArithOperand o = tensorOperand(from_);
    o.value += uint32_t(t.index * (axis_ ? 1 : from_.w) * from_.elementBytes());
    o.strides = {0, uint64_t(from_.planeElements()),
                 uint64_t((axis_ ? 1 : run.sourceStep) * from_.w),
                 uint64_t(axis_ ? run.sourceStep : 1)};
    return o;
  }

  int axis_;
  LocalTensor from_, to_;
  DType sums_;
  bool floats_ = sums_ == DType::F32;
  int shift_;
  std::array<uint32_t, 3> products_;
};

} // namespace

BlendScratch blendScratch(DType type, int64_t channels, int64_t rows, const AxisTaps &tapsY,
                          const AxisTaps &tapsX) {
  bool floats = type == DType::F32;
  bool isSigned = type == DType::I8 || tapsY.negative() || tapsX.negative();
  bool narrow = !floats && 255 * tapsY.gain() * tapsX.gain() <= std::numeric_limits<int16_t>::max();
  BlendScratch s{isSigned ? DType::I16 : DType::U16, narrow ? (isSigned ? DType::I16 : DType::U16)
                                                            : (isSigned ? DType::I32 : DType::U32)};
  if (floats)
    s.between = s.sums = DType::F32;
  auto height = int64_t(tapsY.cells.size()), width = int64_t(tapsX.cells.size());
  auto bytes = [&](DType t, int64_t h, int64_t w) {
    return chip::alignedLaneBytes(0, 1, channels, h, w, dtypeSize(t));
  };
  s.betweenBytes = bytes(s.between, rows, width);
  auto needs = [&](const AxisTaps &axis, bool columns) {
    for (const TapRun &run : tapRuns(axis)) {
      s.products = std::max(s.products, std::min<int>(3, int(run.taps->size())));
      if (run.taps->size() > 1)
        s.productBytes = std::max(s.productBytes, columns ? bytes(s.between, rows, run.count)
                                                          : bytes(s.sums, run.count, width));
    }
  };
  needs(tapsX, true);
  needs(tapsY, false);
  if (s.products == 1)
    s.products = 0;
  if (isSigned && type == DType::U8)
    s.wideBytes = bytes(DType::I16, height, width);
  return s;
}

Instructions blend(const LocalTensor &input, const AxisTaps &tapsY, const AxisTaps &tapsX,
                   const BlendPlaces &at, const LocalTensor &result) {
  BlendScratch s = blendScratch(input.dtype, input.c, input.h, tapsY, tapsX);
  LocalTensor between{at.between, s.between, input.c, input.h, result.w};
  LocalTensor sum = result;
  if (s.wideBytes)
    sum = {at.wide, DType::I16, result.c, result.h, result.w};
  Instructions list;
  AxisSum(1, input, between, s.between, 0, at.products).emit(list, tapsX);
  AxisSum(0, between, sum, s.sums, tapsX.bits + tapsY.bits, at.products).emit(list, tapsY);
  if (s.wideBytes)
    list.push_back(castTo(result, sum, numerics::Rounding::HalfEven));
  return list;
}

} // namespace tessera::codegen
