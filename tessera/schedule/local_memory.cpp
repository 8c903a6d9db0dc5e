#include "tessera/schedule/local_memory.h"

#include <algorithm>
#include <numeric>

namespace tessera::schedule {
namespace {

/// How many slices ahead a load is tried to be placed, most first.
constexpr size_t kLeads[] = {64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1, 0};
/// Slices that what a slice made keeps its place for its store.
constexpr size_t kStoreSlices = 2;

} // namespace

PlanObjects localObjects(const LayerPlan &plan, size_t slices, size_t firstSlice,
                         int64_t capacity) {
  PlanObjects p;
  std::vector<std::vector<size_t>> current; // by slot and copy
  for (const SlotSpec &s : plan.slots)
    current.emplace_back(size_t(s.copies), PlanObjects::kNone);
  for (size_t k = 0; k < slices; ++k) {
    p.used.emplace_back(plan.slots.size(), PlanObjects::kNone);
    for (bool loaded : {true, false})
      for (const SlotUse &u : loaded ? plan.slices[k].inputs : plan.slices[k].work) {
        const SlotSpec &spec = plan.slots[size_t(u.slot)];
        size_t &held = current[size_t(u.slot)][size_t(u.version % spec.copies)];
        if (held == PlanObjects::kNone || p.objects[held].version != u.version) {
          held = p.objects.size();
          p.objects.push_back({u.slot, u.version, firstSlice + k, firstSlice + k, loaded,
                               reservedBytes(spec, capacity),
                               spec.ownBank && capacity >= chip::kLaneBytes});
        }
        p.objects[held].last = firstSlice + k;
        p.used[k][size_t(u.slot)] = held;
      }
  }
  return p;
}

void LocalMemory::add(const LocalObject &o) {
  Taken t{o.begin, o.end, o.address, o.address + o.bytes};
  if (o.end - o.begin <= kLeads[0])
    brief_.emplace(o.begin, t);
  else
    lasting_.push_back(t);
}

std::optional<uint32_t> LocalMemory::find(const LocalObject &o, size_t begin, size_t end,
                                          bool high) const {
  std::vector<std::pair<int64_t, int64_t>> taken;
  auto consider = [&](const Taken &t) {
    if (t.begin <= end && t.end >= begin)
      taken.emplace_back(t.from, t.to);
  };
  for (auto it = brief_.lower_bound(begin > kLeads[0] ? begin - kLeads[0] : 0);
       it != brief_.end() && it->first <= end; ++it)
    consider(it->second);
  for (const Taken &t : lasting_)
    consider(t);
  std::sort(taken.begin(), taken.end());
  taken.emplace_back(bytes_, bytes_);
  int64_t align = o.ownBank ? chip::kBankBytes : chip::kEuBytes, from = 0;
  std::optional<uint32_t> best;
  for (auto [a, b] : taken) {
    int64_t at = high ? (a - o.bytes) / align * align : chip::alignUp(from, align);
    if (a >= o.bytes && at >= from && at + o.bytes <= a) {
      best = uint32_t(at);
      if (!high)
        return best;
    }
    from = std::max(from, b);
  }
  return best;
}

bool LocalMemory::place(Objects &objects, size_t earliest) {
  std::vector<size_t> work, loads;
  for (size_t i = 0; i < objects.size(); ++i)
    (objects[i].loaded ? loads : work).push_back(i);
  auto put = [&](LocalObject &o, size_t begin, size_t end) {
    auto at = find(o, begin, end, o.loaded);
    if (!at)
      return false;
    o.address = *at;
    o.begin = begin;
    o.end = end;
    add(o);
    return true;
  };
  // What lives long or is large first: the rest fits into the gaps.
  std::stable_sort(work.begin(), work.end(), [&](size_t x, size_t y) {
    const LocalObject &a = objects[x], &b = objects[y];
    return std::tuple(b.ownBank, b.last - b.first, b.bytes) <
           std::tuple(a.ownBank, a.last - a.first, a.bytes);
  });
  for (size_t i : work) {
    LocalObject &o = objects[i];
    if (!put(o, o.first, o.last + kStoreSlices) && !put(o, o.first, o.last))
      return false;
  }
  std::stable_sort(loads.begin(), loads.end(),
                   [&](size_t a, size_t b) { return objects[a].first < objects[b].first; });
  for (size_t i : loads) {
    LocalObject &o = objects[i];
    bool placed = false;
    for (size_t lead : kLeads)
      placed = placed || put(o, o.first - std::min(lead, o.first - earliest), o.last);
    if (!placed)
      return false;
  }
  return true;
}

bool LocalMemory::place(Objects &objects) {
  if (objects.empty())
    return true;
  size_t first = objects[0].first;
  for (const LocalObject &o : objects)
    first = std::min(first, o.first);
  auto gone = [&](const Taken &t) { return t.end + kLeads[0] < first; };
  std::erase_if(brief_, [&](const auto &t) { return gone(t.second); });
  std::erase_if(lasting_, gone);
  auto brief = brief_;
  auto lasting = lasting_;
  if (place(objects, 0))
    return true;
  // In the way is only what waits for its store, and its place may be waited for.
  brief_.clear();
  lasting_.clear();
  bool placed = place(objects, first);
  if (!placed) {
    brief_.clear();
    lasting_.clear();
  }
  brief_.merge(brief); // loads of later plans must know
  lasting_.insert(lasting_.end(), lasting.begin(), lasting.end());
  return placed;
}

bool fitsLocalMemory(const LayerPlan &plan, int64_t capacity) {
  if (plan.localBytes(capacity) <= capacity)
    return true;
  if (!plan.lifetimes)
    return false;
  auto p = localObjects(plan, plan.slices.size(), 0, capacity);
  return LocalMemory(capacity).place(p.objects);
}

} // namespace tessera::schedule
