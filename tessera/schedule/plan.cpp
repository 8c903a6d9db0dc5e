#include "tessera/schedule/plan.h"

#include "tessera/cycles/cycles.h"
#include "tessera/schedule/local_memory.h"

#include <algorithm>

namespace tessera::schedule {

std::array<int64_t, 4> shape4(const Shape &shape) {
  TESSERA_CHECK(shape.size() <= 4, "tensor of more than four axes in a network");
  std::array<int64_t, 4> s{1, 1, 1, 1};
  std::copy(shape.begin(), shape.end(), s.begin());
  return s;
}

View View::dense(int32_t buffer, uint64_t offset, const std::array<int64_t, 4> &shape,
                 DType dtype) {
  return {buffer,
          offset,
          shape,
          {shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1},
          dtype};
}
bool View::isDense() const {
  int64_t expected = 1;
  for (int i = 3; i >= 0; --i) {
    if (shape[i] != 1 && stride[i] != expected)
      return false;
    expected *= shape[i];
  }
  return true;
}
View View::part(const std::array<int64_t, 4> &begin, const std::array<int64_t, 4> &size,
                const std::array<int64_t, 4> &step) const {
  View v = *this;
  v.shape = size;
  for (int i = 0; i < 4; ++i) {
    v.offset += uint64_t(begin[i] * stride[i] * dtypeSize(dtype));
    v.stride[i] = stride[i] * step[i];
  }
  return v;
}
codegen::GlobalBox View::box() const { return {buffer, offset, dtypeSize(dtype), shape, stride}; }

namespace {

// A column stride beyond the GDMA's limit: let the batch axis walk the columns instead.
bool columnsAsBatch(const View &v) {
  return v.shape[3] > 1 && v.stride[3] * dtypeSize(v.dtype) > chip::kMaxGdmaColumnStride;
}
codegen::GlobalBox turned(const View &v) {
  codegen::GlobalBox b = v.box();
  b.size = {v.shape[3], v.shape[1], v.shape[2], 1};
  b.stride = {v.stride[3], v.stride[1], v.stride[2], 1};
  return b;
}
codegen::LocalSide turned(codegen::LocalSide s) { return {s.address, s.w, s.c, s.h, 1}; }

codegen::GlobalBox tidy(codegen::GlobalBox b) {
  // The unused stride of a single column must still be legal.
  if (b.size[3] == 1)
    b.stride[3] = 1;
  return b;
}

} // namespace

codegen::Instruction loadTensor(const View &from, const codegen::LocalTensor &to) {
  TESSERA_CHECK(from.shape[0] == 1 && from.dtype == to.dtype, "load of another batch or type");
  return loadTensor(from, codegen::localSide(to));
}
codegen::Instruction loadTensor(const View &from, codegen::LocalSide to) {
  if (columnsAsBatch(from))
    return codegen::load(turned(from), from.dtype, turned(to));
  return codegen::load(tidy(from.box()), from.dtype, to);
}
codegen::Instruction storeTensor(const codegen::LocalTensor &from, const View &to) {
  TESSERA_CHECK(to.shape[0] == 1 && from.dtype == to.dtype, "store of another batch or type");
  if (columnsAsBatch(to))
    return codegen::store(turned(codegen::localSide(from)), to.dtype, turned(to));
  return codegen::store(codegen::localSide(from), to.dtype, tidy(to.box()));
}

int64_t reservedBytes(const SlotSpec &slot, int64_t capacity) {
  int64_t bytes = chip::alignUp(std::max<int64_t>(slot.bytes, 1), chip::kEuBytes);
  return slot.ownBank && capacity >= chip::kLaneBytes ? std::max(bytes, chip::kBankBytes) : bytes;
}

int64_t LayerPlan::localBytes(int64_t capacity) const {
  int64_t sum = 0;
  for (const SlotSpec &s : slots)
    sum += s.copies * reservedBytes(s, capacity);
  return sum;
}

namespace {

/// About 64 slices are priced: every so many-th. Slices come in bands of alike ones, so the step
/// has no small factor with them.
size_t sampleStride(size_t slices) {
  size_t step = slices / 64;
  if (step < 2)
    return 1;
  while (step % 2 == 0 || step % 3 == 0 || step % 5 == 0 || step % 7 == 0)
    ++step;
  return step;
}

} // namespace

uint64_t estimateCycles(const LayerPlan &plan, int64_t capacity) {
  std::vector<std::vector<uint32_t>> address(plan.slots.size());
  int64_t at = 0;
  for (int pass = 0; pass < 2;
       ++pass) // slots that want a bank of their own first, as they are placed
    for (size_t s = 0; s < plan.slots.size(); ++s)
      if (plan.slots[s].ownBank == (pass == 0))
        for (int c = 0; c < plan.slots[s].copies; ++c) {
          address[s].push_back(uint32_t(at % capacity)); // slots may share bytes
          at += reservedBytes(plan.slots[s], capacity);
        }
  auto price = [](const codegen::Instructions &list) {
    uint64_t sum = 0;
    for (const auto &i : list)
      sum += cycles::commandCycles(i.command);
    return sum;
  };
  std::vector<std::vector<int64_t>> held(plan.slots.size());
  for (size_t s = 0; s < held.size(); ++s)
    held[s].assign(address[s].size(), -1);
  size_t count = plan.slices.size(), sampleStep = sampleStride(count);
  uint64_t tiu = 0, gdma = 0, first = 0, last = 0, sampled = 0;
  for (size_t k = 0; k < count; ++k) {
    const SliceWork &slice = plan.slices[k];
    bool sample = k % sampleStep == 0 || k + 1 == count;
    Addresses where(plan.slots.size());
    auto locate = [&](const SlotUse &u) {
      where[u.slot] = address[u.slot][size_t(u.version % plan.slots[u.slot].copies)];
    };
    for (const SlotUse &u : slice.inputs)
      locate(u);
    for (const SlotUse &u : slice.work)
      locate(u);
    uint64_t load = 0;
    for (const SlotUse &u : slice.inputs) {
      int64_t &h = held[u.slot][size_t(u.version % plan.slots[u.slot].copies)];
      if (h != u.version && sample)
        load += price(slice.load(where, u.slot));
      h = u.version;
    }
    if (!sample)
      continue;
    ++sampled;
    uint64_t store = slice.store ? price(slice.store(where)) : 0;
    tiu += slice.compute ? price(slice.compute(where)) : 0;
    gdma += load + store;
    if (k == 0)
      first = load;
    last = store;
  }
  if (sampled == 0)
    return 0;
  tiu = tiu * count / sampled;
  gdma = gdma * count / sampled;
  return std::max(tiu, gdma) + first + last;
}

void addWay(std::vector<Way> &ways, Way way) {
  constexpr size_t kKept = 4;
  auto at = std::ranges::upper_bound(ways, way.cycles, {}, &Way::cycles);
  ways.insert(at, std::move(way));
  if (ways.size() > kKept)
    ways.pop_back();
}

bool PlanChoice::offer(LayerPlan plan) {
  if (!fitsLocalMemory(plan, options_.localBytes))
    return false;
  fits_ = true;
  if (!options_.cut.empty()) { // no estimate is needed
    if (!best_ || (plan.cut == options_.cut && best_->cut != options_.cut))
      best_ = std::move(plan);
    return true;
  }
  if (plan.estimate == 0)
    plan.estimate = estimateCycles(plan, options_.localBytes);
  for (Way &way : plan.others)
    addWay(others_, std::move(way));
  if (best_ && plan.estimate >= best_->estimate) {
    addWay(others_, {std::move(plan.cut), plan.estimate});
    return true;
  }
  if (best_)
    addWay(others_, {std::move(best_->cut), best_->estimate});
  best_ = std::move(plan);
  return true;
}

std::optional<LayerPlan> PlanChoice::take() {
  if (best_)
    best_->others = std::move(others_);
  return std::move(best_);
}

} // namespace tessera::schedule
