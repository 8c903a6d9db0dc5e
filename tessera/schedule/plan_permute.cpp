// Axes in another order. One transfer that is contiguous on one side only would move element by
// element, so the data is turned inside the lanes, between a load that reads runs and a store that
// writes runs.
#include "tessera/codegen/arith.h"
#include "tessera/schedule/cuts.h"
#include "tessera/schedule/plan_ops.h"

#include <algorithm>
#include <fmt/format.h>

namespace tessera::schedule {

using namespace codegen;

namespace {

/// An axis with its strides in both tensors, in elements.
struct Axis {
  int64_t size, from, to;
};

/// Up to three axes inside of every lane, dense in local memory in the order of either side.
struct Turn {
  std::vector<Axis> axes; ///< sizes of this piece
  Axis lanes;

  std::array<int64_t, 4> sizes(const std::vector<Axis> &order) const {
    std::array<int64_t, 4> s{1, lanes.size, 1, 1};
    constexpr std::array<size_t, 3> kPlace{0, 2, 3}; // n, h, w
    for (size_t k = 0; k < order.size(); ++k)
      s[kPlace[3 - order.size() + k]] = order[k].size;
    return s;
  }
  std::vector<Axis> ordered(int64_t Axis::*by) const {
    std::vector<Axis> order = axes;
    std::ranges::stable_sort(order, std::greater{}, by);
    return order;
  }
  int64_t plane() const {
    int64_t elements = 1;
    for (const Axis &a : axes)
      elements *= a.size;
    return elements;
  }
  GlobalBox box(const View &v, int64_t Axis::*by, uint64_t offset) const {
    auto order = ordered(by);
    auto s = sizes(order);
    std::array<int64_t, 4> stride{1, lanes.*by, 1, 1};
    constexpr std::array<size_t, 3> kPlace{0, 2, 3};
    for (size_t k = 0; k < order.size(); ++k)
      stride[kPlace[3 - order.size() + k]] = order[k].*by;
    return {v.buffer, v.offset + offset * uint64_t(dtypeSize(v.dtype)), dtypeSize(v.dtype), s,
            stride};
  }
  LocalSide local(uint32_t address, const std::array<int64_t, 4> &s, DType dtype) const {
    int64_t plane = chip::alignUp(this->plane(), chip::kEuBytes / dtypeSize(dtype));
    return {address, s[2] * s[3], plane, s[3], 1};
  }
  Instruction load(const View &from, uint64_t offset, uint32_t address) const {
    GlobalBox b = box(from, &Axis::from, offset);
    return codegen::load(b, from.dtype, local(address, b.size, from.dtype));
  }
  Instruction store(const View &to, uint64_t offset, uint32_t address) const {
    GlobalBox b = box(to, &Axis::to, offset);
    return codegen::store(local(address, b.size, to.dtype), to.dtype, b);
  }
  Instruction turn(DType dtype, uint32_t source, uint32_t result) const {
    auto in = ordered(&Axis::from), out = ordered(&Axis::to);
    auto size = sizes(out);
    LocalSide to = local(result, size, dtype);
    isa::Strides toStrides{uint64_t(to.n), uint64_t(to.c), uint64_t(to.h), 1},
        fromStrides{0, uint64_t(to.c), 0, 0};
    constexpr std::array<uint64_t isa::Strides::*, 3> kPlace{&isa::Strides::n, &isa::Strides::h,
                                                             &isa::Strides::w};
    for (size_t k = 0; k < out.size(); ++k) {
      int64_t step = 1; // of this axis in the loaded order
      for (size_t i = in.size(); i-- > 0 && in[i].from != out[k].from;)
        step *= in[i].size;
      fromStrides.*kPlace[3 - out.size() + k] = uint64_t(step);
    }
    auto bytes = uint32_t(to.c * dtypeSize(dtype));
    return stridedCopy(dtype, size, result, toStrides, {result, result + bytes}, source,
                       fromStrides, {source, source + bytes});
  }
};

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
    cutAxes(cut, 0, {}, 0, 0);
    int64_t bytes = 0;
    for (const Piece &p : pieces_)
      bytes = std::max(bytes, chip::alignUp(p.turn.plane() * dtypeSize(to_.dtype), chip::kEuBytes));
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
        return {p.turn.load(v, p.from, a[0])};
      };
      s.compute = [p, type = to_.dtype](const Addresses &a) -> Instructions {
        return {p.turn.turn(type, a[0], a[1])};
      };
      s.store = [p, v = to_](const Addresses &a) -> Instructions {
        return {p.turn.store(v, p.to, a[1])};
      };
      plan.slices.push_back(std::move(s));
    }
    plan.cut = fmt::format("axis of {} across the lanes, {} in each, {} pieces",
                           axes_[cut.lanes].size, cut.inner, pieces_.size());
    return choice_.offer(std::move(plan));
  }

  struct Piece {
    Turn turn;
    uint64_t from, to; ///< elements from the start of each tensor
  };
  void cutAxes(const Cut &cut, size_t a, const Turn &so, uint64_t from, uint64_t to) {
    if (a == axes_.size()) {
      pieces_.push_back({so, from, to});
      return;
    }
    const Axis &axis = axes_[a];
    auto go = [&](const Turn &turn, int64_t at) {
      cutAxes(cut, a + 1, turn, from + uint64_t(at * axis.from), to + uint64_t(at * axis.to));
    };
    if (a != cut.lanes) {
      for (int64_t at = 0; at < axis.size; at += cut.sizes[a]) {
        Turn turn = so;
        if (cut.sizes[a] > 1)
          turn.axes.push_back({std::min(cut.sizes[a], axis.size - at), axis.from, axis.to});
        go(turn, at);
      }
      return;
    }
    for (int64_t at = 0, inner = cut.inner; at < axis.size;) {
      inner = std::min(inner, axis.size - at); // the rest lies in one lane
      Turn turn = so;
      turn.lanes = {std::min((axis.size - at) / inner, chip::kLanes), axis.from * inner,
                    axis.to * inner};
      if (cut.inner > 1)
        turn.axes.push_back({inner, axis.from, axis.to});
      go(turn, at);
      at += turn.lanes.size * inner;
    }
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
