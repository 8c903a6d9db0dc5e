// Concat, Pad, Slice and Reshape: transfers only.
#include "tessera/numerics/half.h"
#include "tessera/schedule/cuts.h"
#include "tessera/schedule/scheduler.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace tessera::schedule {

using namespace codegen;

namespace {

/// How a value is stored by `type`: integers as they are, floats as their bits.
uint32_t storedBits(double value, DType type) {
  return type == DType::F32    ? std::bit_cast<uint32_t>(float(value))
         : type == DType::F16  ? numerics::floatToHalf(float(value))
         : type == DType::BF16 ? numerics::floatToBfloat(float(value))
                               : uint32_t(int64_t(value)) & 0xFF;
}

} // namespace

std::optional<LayerPlan> Scheduler::planMove(const Layer &layer, const View &in, const View &out) {
  View from = in;
  if (auto *s = std::get_if<Slice>(&layer.op)) {
    std::array<int64_t, 4> begin{0, 0, 0, 0}, step{1, 1, 1, 1};
    std::copy(s->offset.begin(), s->offset.end(), begin.begin());
    std::copy(s->steps.begin(), s->steps.end(), step.begin());
    from = in.part(begin, out.shape, step);
  } else if (in.shape != out.shape) {
    // Reshape of a strided tensor: the (dense) result takes the input's shape.
    View to = View::dense(out.buffer, out.offset, in.shape, out.dtype);
    return planElementwise({{from}, to, std::nullopt}, options_);
  }
  return planElementwise({{from}, out, std::nullopt}, options_);
}

std::optional<LayerPlan> Scheduler::planConcat(int32_t l) {
  const Layer &layer = net_.layers[size_t(l)];
  LayerPlan all;
  for (size_t i = 0; i < layer.inputs.size(); ++i) {
    int32_t t = layer.inputs[i];
    if (aliased_[size_t(t)] == l && aliasIndex_.at(t) == i)
      continue;
    auto plan = planElementwise({{view(t)}, insideOf(layer, i), std::nullopt}, options_);
    if (!plan) {
      refuse(layer, tooLarge(layer), "");
      return std::nullopt;
    }
    appendPlan(all, std::move(*plan));
  }
  if (all.slices.empty())
    all.cut = "in place";
  return joinSlots(std::move(all));
}

std::optional<LayerPlan> Scheduler::planPad(int32_t l) {
  const Layer &layer = net_.layers[size_t(l)];
  const auto &pad = std::get<Pad>(layer.op);
  int32_t t = layer.inputs[0];
  const View &out = view(layer.output);
  View inside = insideOf(layer, 0);
  size_t rank = pad.paddings.size() / 2;
  LayerPlan all;
  if (aliased_[size_t(t)] != l) {
    std::array<int64_t, 4> begin{0, 0, 0, 0};
    for (size_t a = 0; a < rank; ++a)
      begin[a] = std::max<int64_t>(-pad.paddings[a], 0);
    auto plan =
        planElementwise({{view(t).part(begin, inside.shape)}, inside, std::nullopt}, options_);
    if (!plan) {
      refuse(layer, tooLarge(layer), "");
      return std::nullopt;
    }
    all = std::move(*plan);
  }
  // The border: along each axis what lies before and behind, inside of the axes before it.
  std::array<int64_t, 4> begin{0, 0, 0, 0}, size = out.shape;
  Instructions fills;
  for (size_t a = 0; a < rank; ++a) {
    int64_t before = std::max<int64_t>(pad.paddings[a], 0);
    int64_t behind = std::max<int64_t>(pad.paddings[a + rank], 0);
    for (auto [at, count] :
         {std::pair{int64_t(0), before}, std::pair{out.shape[a] - behind, behind}})
      if (count > 0) {
        auto b = begin;
        auto s = size;
        b[a] = at;
        s[a] = count;
        addFills(fills, out.part(b, s), storedBits(pad.value, out.dtype));
      }
    begin[a] = before;
    size[a] = inside.shape[a];
  }
  if (!fills.empty()) {
    SliceWork s;
    s.store = [fills](const Addresses &) { return fills; };
    all.slices.push_back(std::move(s));
  }
  all.cut += fmt::format("{}{} fills", all.cut.empty() ? "in place, " : ", ", fills.size());
  return all;
}

void Scheduler::addFills(Instructions &list, const View &v, uint32_t value) {
  for (int64_t n = 0; n < v.shape[0]; ++n)
    for (auto [c0, c1] : splitRange(v.shape[1], chip::ceilDiv(v.shape[1], chip::kMaxDim)))
      for (auto [y0, y1] : splitRange(v.shape[2], chip::ceilDiv(v.shape[2], chip::kMaxDim)))
        for (auto [x0, x1] : splitRange(v.shape[3], chip::ceilDiv(v.shape[3], chip::kMaxDim))) {
          GlobalBox box = v.part({n, c0, y0, x0}, {1, c1 - c0, y1 - y0, x1 - x0}).box();
          if (box.stride[3] * box.elementBytes > chip::kMaxGdmaColumnStride || box.size[3] == 1) {
            // One column a batch step, so that any column stride will do.
            box.size = {box.size[3], box.size[1], box.size[2], 1};
            box.stride = {box.stride[3], box.stride[1], box.stride[2], 1};
          }
          list.push_back(fill(box, v.dtype, value));
        }
}

LayerPlan Scheduler::joinSlots(LayerPlan plan) {
  std::vector<int> to(plan.slots.size());
  std::vector<SlotSpec> slots;
  for (size_t s = 0; s < plan.slots.size(); ++s) {
    size_t k = 0;
    while (k < slots.size() && slots[k].role != plan.slots[s].role)
      ++k;
    if (k == slots.size()) {
      slots.push_back(plan.slots[s]);
    } else {
      slots[k].bytes = std::max(slots[k].bytes, plan.slots[s].bytes);
      slots[k].copies = std::max(slots[k].copies, plan.slots[s].copies);
    }
    to[s] = int(k);
  }
  std::vector<int64_t> next(slots.size(), 0);
  for (SliceWork &s : plan.slices) {
    std::vector<std::pair<int, int>> moved;
    for (auto *uses : {&s.inputs, &s.work})
      for (SlotUse &u : *uses) {
        moved.emplace_back(u.slot, to[size_t(u.slot)]);
        u.slot = to[size_t(u.slot)];
        u.version = next[size_t(u.slot)]++; // contents of different parts must not be confused
      }
    auto local = [moved, count = plan.slots.size()](const Addresses &a) {
      Addresses b(count, 0);
      for (auto [from, joined] : moved)
        b[size_t(from)] = a[size_t(joined)];
      return b;
    };
    if (auto load = std::move(s.load))
      s.load = [=](const Addresses &a, int slot) {
        for (auto [from, joined] : moved)
          if (joined == slot)
            return load(local(a), from);
        TESSERA_CHECK(false, "load of a slot the slice does not use");
      };
    if (auto compute = std::move(s.compute))
      s.compute = [=](const Addresses &a) { return compute(local(a)); };
    if (auto store = std::move(s.store))
      s.store = [=](const Addresses &a) { return store(local(a)); };
  }
  plan.slots = std::move(slots);
  return plan;
}

} // namespace tessera::schedule
