#include "tessera/codegen/exponential.h"
#include "tessera/codegen/softmax.h"
#include "tessera/schedule/cuts.h"
#include "tessera/schedule/plan_ops.h"

#include <algorithm>
#include <fmt/format.h>

namespace tessera::schedule {

using namespace codegen;

namespace {

/// Columns of one piece: `lanes` runs of `width`, all values along the axis of each.
struct Piece {
  View input, output; ///< [1, lanes, values, width]
};

} // namespace

// The values along the axis are rows of every lane. Across the lanes lie either parts of the axes
// behind, as far as they are one run, or the axis before.
std::optional<LayerPlan> planSoftmax(const View &in, const View &out, size_t axis,
                                     const Options &options) {
  PlanChoice choice(options);
  int deep = options.overlap ? 2 : 1;
  int64_t values = in.shape[axis];
  // The axes behind as one, where both tensors allow it; else its last one.
  size_t first = 3;
  auto joins = [&](const View &v) {
    return v.stride[first - 1] == v.stride[first] * v.shape[first];
  };
  int64_t run = axis < 3 ? in.shape[3] : 1;
  while (axis < 3 && first > axis + 1 && (in.shape[first - 1] == 1 || (joins(in) && joins(out))))
    run *= in.shape[--first];
  auto reshaped = [&](const View &v, const std::array<int64_t, 4> &begin, int64_t lanes,
                      int64_t laneStride, int64_t width, int64_t column) {
    int64_t step = axis < 3 ? v.stride[3] : 1;
    View p = v.part(begin, {1, 1, 1, 1});
    p.offset += uint64_t(column * step * dtypeSize(v.dtype));
    p.shape = {1, lanes, values, width};
    p.stride = {0, laneStride, v.stride[axis], step};
    return p;
  };
  /// Every place of the axes that are walked one by one: all but the axis, those of the run and
  /// `lanes`.
  auto eachPlace = [&](size_t lanes, auto body) {
    auto count = [&](size_t a) {
      return a == axis || a == lanes || (axis < 3 && a >= first) ? 1 : in.shape[a];
    };
    for (int64_t n = 0; n < count(0); ++n)
      for (int64_t c = 0; c < count(1); ++c)
        for (int64_t h = 0; h < count(2); ++h)
          for (int64_t w = 0; w < count(3); ++w)
            body(std::array<int64_t, 4>{n, c, h, w});
  };
  auto offer = [&](std::vector<Piece> pieces, std::string cut) {
    LayerPlan plan;
    int64_t size = 0, row = 0;
    for (const Piece &p : pieces) {
      auto [n, c, h, w] = p.input.shape;
      if (h * w > chip::kMaxDim)
        return false;
      size = std::max(size, chip::alignedLaneBytes(0, 1, c, h, w, 4));
      row = std::max(row, chip::alignedLaneBytes(0, 1, c, 1, w, 4));
    }
    int copies = pieces.size() > 1 ? deep : 1;
    LaneTable table(powerTable());
    plan.slots = {{"input", size, copies}, {"result", size, copies},
                  {"table", table.size()}, {"powers", size},
                  {"scratch0", size},      {"scratch1", size},
                  {"row0", row},           {"row1", row}};
    if (plan.localBytes(options.localBytes) > options.localBytes)
      return false;
    plan.materialize = [table](const AddConstant &add) { table.addTo(add); };
    for (const Piece &p : pieces) {
      auto number = int64_t(plan.slices.size());
      auto local = [shape = p.input.shape](uint32_t address, bool row = false) {
        return LocalTensor{address, DType::F32, shape[1], row ? 1 : shape[2], shape[3]};
      };
      SliceWork s;
      s.inputs = {{0, number}, {2, 0}};
      s.work = {{1, number}, {3, 0}, {4, 0}, {5, 0}, {6, 0}, {7, 0}};
      s.load = [=](const Addresses &a, int slot) -> Instructions {
        if (slot == 2)
          return table.load(a[2]);
        return {loadTensor(p.input, local(a[0]))};
      };
      s.compute = [=](const Addresses &a) {
        return softmax(local(a[0]),
                       {local(a[3]),
                        {local(a[4]), local(a[5])},
                        {local(a[6], true), local(a[7], true)},
                        table.at(a[2])},
                       local(a[1]));
      };
      s.store = [=](const Addresses &a) -> Instructions {
        return {storeTensor(local(a[1]), p.output)};
      };
      plan.slices.push_back(std::move(s));
    }
    plan.cut = std::move(cut);
    return choice.offer(std::move(plan));
  };

  // Parts of the run across the lanes.
  int64_t each = chip::ceilDiv(run, chip::kLanes); // columns of a lane
  int kept = 0;
  for (int64_t parts = 1; parts <= each && kept < 4; parts += std::max<int64_t>(1, parts / 4)) {
    std::vector<Piece> pieces;
    int64_t width = chip::ceilDiv(each, parts);
    eachPlace(axis, [&](const std::array<int64_t, 4> &begin) {
      acrossLanes(run, width, [&](int64_t x, int64_t lanes, int64_t w) {
        auto side = [&](const View &v) {
          return reshaped(v, begin, lanes, w * (axis < 3 ? v.stride[3] : 1), w, x);
        };
        pieces.push_back({side(in), side(out)});
      });
    });
    kept += offer(std::move(pieces),
                  fmt::format("runs of {} across the lanes, {} in each", run, width));
  }
  // The axis before across the lanes.
  if (axis > 0) {
    size_t before = axis - 1;
    kept = 0;
    for (int64_t parts = 1; parts <= run && kept < 4; parts += std::max<int64_t>(1, parts / 4)) {
      std::vector<Piece> pieces;
      eachPlace(before, [&](std::array<int64_t, 4> begin) {
        for (int64_t c = 0; c < in.shape[before]; c += chip::kLanes)
          for (auto [a, b] : splitRange(run, parts)) {
            begin[before] = c;
            int64_t lanes = std::min(in.shape[before] - c, chip::kLanes);
            auto side = [&, a = a, b = b](const View &v) {
              return reshaped(v, begin, lanes, v.stride[before], b - a, a);
            };
            pieces.push_back({side(in), side(out)});
          }
      });
      kept += offer(std::move(pieces), fmt::format("axis of {} across the lanes, runs in {}",
                                                   in.shape[before], parts));
    }
  }
  return choice.take();
}

} // namespace tessera::schedule
