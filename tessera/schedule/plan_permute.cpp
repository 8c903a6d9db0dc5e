// Axes in another order. One transfer that is contiguous on one side only would move element by
// element, so the data is turned inside the lanes, between a load that reads runs and a store that
// writes runs.
#include "tessera/codegen/permute.h"
#include "tessera/schedule/cuts.h"
#include "tessera/schedule/plan_ops.h"

#include <algorithm>
#include <fmt/format.h>

namespace tessera::schedule {

using namespace codegen;

namespace {

using Axis = PermutedAxis;

/// How the work is cut: the axis that lies across the lanes, `inner` neighbours of it in one lane,
/// and how many of each other axis a piece takes.
struct Cut {
  size_t lanes;
  int64_t inner;
  std::vector<int64_t> sizes;
};

class Permuter {
public:
  Permuter(const View &from, const View &to, std::vector<Axis> axes, const Options &options)
      : from_(from), to_(to), axes_(std::move(axes)), options_(options), choice_(options) {}

  std::optional<LayerPlan> run() {
    for (size_t a = 0; a < axes_.size(); ++a) {
      const Axis &axis = axes_[a];
      if (axis.from != 1 && axis.to != 1) {
        offerSizes(a, 1);
        continue;
      }
      int64_t fewest = chip::ceilDiv(axis.size, chip::kLanes), last = 0;
      for (int64_t inner : {fewest, int64_t(64), int64_t(256)})
        if (inner != last && inner < axis.size)
          offerSizes(a, last = inner);
    }
    return choice_.take();
  }

private:
  // The largest pieces that fit, and some smaller ones, which overlap better.
  void offerSizes(size_t lanes, int64_t inner) {
    Cut cut{lanes, inner, {}};
    size_t inside = inner > 1;
    for (size_t a = 0; a < axes_.size(); ++a)
      cut.sizes.push_back(std::min(axes_[a].size, chip::kMaxDim));
    // Three at most in a lane: of two that are contiguous nowhere one goes piece by piece.
    for (size_t a = 0; a < axes_.size(); ++a)
      inside += a != lanes;
    for (size_t a = 0; a < axes_.size() && inside > 3; ++a)
      if (a != lanes && axes_[a].from != 1 && axes_[a].to != 1) {
        cut.sizes[a] = 1;
        --inside;
      }
    for (int kept = 0; kept < 3;) {
      kept += offer(cut);
      size_t largest = axes_.size();
      for (size_t a = 0; a < axes_.size(); ++a)
        if (a != lanes && cut.sizes[a] > 1 &&
            (largest == axes_.size() || cut.sizes[a] > cut.sizes[largest]))
          largest = a;
      if (largest == axes_.size())
        return;
      cut.sizes[largest] = chip::ceilDiv(cut.sizes[largest], 2);
    }
  }

  bool offer(const Cut &cut) {
    pieces_.clear();
    cutAxes(cut, 0, {});
    int64_t bytes = 0;
    for (const Piece &p : pieces_)
      bytes = std::max(bytes, p.piece.laneBytes(to_.dtype));
    LayerPlan plan;
    int copies = options_.overlap && pieces_.size() > 1 ? 2 : 1;
    plan.slots = {{"input", bytes, copies}, {"result", bytes, copies}};
    if (plan.localBytes(options_.localBytes) > options_.localBytes)
      return false;
    for (const Piece &p : pieces_) {
      auto number = int64_t(plan.slices.size());
      SliceWork s;
      s.inputs = {{0, number}};
      s.work = {{1, number}};
      s.load = [p, v = from_](const Addresses &a, int) -> Instructions {
        return {p.piece.load(v.buffer, v.offset + p.from, v.dtype, a[0])};
      };
      s.compute = [p, type = to_.dtype](const Addresses &a) -> Instructions {
        return {p.piece.turn(type, a[0], a[1])};
      };
      s.store = [p, v = to_](const Addresses &a) -> Instructions {
        return {p.piece.store(a[1], v.dtype, v.buffer, v.offset + p.to)};
      };
      plan.slices.push_back(std::move(s));
    }
    plan.cut = fmt::format("axis of {} across the lanes, {} in each, {} pieces",
                           axes_[cut.lanes].size, cut.inner, pieces_.size());
    return choice_.offer(std::move(plan));
  }

  struct Piece {
    PermutedPiece piece;
    uint64_t from = 0, to = 0; ///< bytes from the start of each tensor
  };
  Piece at(Piece p, const Axis &axis, int64_t index) const {
    p.from += uint64_t(index * axis.from * dtypeSize(from_.dtype));
    p.to += uint64_t(index * axis.to * dtypeSize(to_.dtype));
    return p;
  }
  void cutAxes(const Cut &cut, size_t a, const Piece &so) {
    if (a == axes_.size()) {
      pieces_.push_back(so);
      return;
    }
    const Axis &axis = axes_[a];
    if (a != cut.lanes) {
      for (int64_t i = 0; i < axis.size; i += cut.sizes[a]) {
        Piece p = at(so, axis, i);
        if (cut.sizes[a] > 1)
          p.piece.axes.push_back({std::min(cut.sizes[a], axis.size - i), axis.from, axis.to});
        cutAxes(cut, a + 1, p);
      }
      return;
    }
    acrossLanes(axis.size, cut.inner, [&](int64_t i, int64_t lanes, int64_t inner) {
      Piece p = at(so, axis, i);
      p.piece.lanes = {lanes, axis.from * inner, axis.to * inner};
      if (cut.inner > 1)
        p.piece.axes.push_back({inner, axis.from, axis.to});
      cutAxes(cut, a + 1, p);
    });
  }

  const View &from_, &to_;
  std::vector<Axis> axes_; ///< in the order of the result
  const Options &options_;
  PlanChoice choice_;
  std::vector<Piece> pieces_; ///< of the cut at hand
};

} // namespace

std::optional<LayerPlan> planPermute(const View &from, const View &to, const Options &options) {
  std::vector<View> views = joinAxes({from, to});
  std::vector<Axis> axes;
  for (size_t a = 0; a < 4; ++a)
    if (views[0].shape[a] > 1)
      axes.push_back({views[0].shape[a], views[0].stride[a], views[1].stride[a]});
  auto contiguous = [&](int64_t Axis::*by) { return std::ranges::find(axes, 1, by) != axes.end(); };
  // Where the runs are the same, or a side has none, one transfer is as good.
  bool turns = contiguous(&Axis::from) && contiguous(&Axis::to) &&
               std::ranges::none_of(axes, [](const Axis &a) { return a.from == 1 && a.to == 1; });
  if (!turns)
    return planElementwise({{from}, to, std::nullopt}, options);
  return Permuter(views[0], views[1], std::move(axes), options).run();
}

} // namespace tessera::schedule
