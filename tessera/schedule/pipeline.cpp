#include "tessera/schedule/pipeline.h"

#include <algorithm>

namespace tessera::schedule {
namespace {

using codegen::Instruction;
using codegen::Instructions;
using codegen::LaneRange;

/// Local memory of a lane: who has which bytes.
class LocalMemory {
public:
  explicit LocalMemory(int64_t bytes) : bytes_(bytes) {}

  /// The lowest (or highest) free place; nullopt if there is none.
  std::optional<uint32_t> take(int64_t bytes, bool high, int64_t align) {
    std::optional<int64_t> best;
    int64_t from = 0;
    auto consider = [&](int64_t begin, int64_t end) {
      if (best && !high)
        return;
      int64_t at = high ? (end - bytes) / align * align : chip::alignUp(begin, align);
      if (at >= begin && at + bytes <= end)
        best = at;
    };
    for (const LaneRange &r : taken_) {
      consider(from, r.begin);
      from = r.end;
    }
    consider(from, bytes_);
    if (!best)
      return std::nullopt;
    LaneRange r{uint32_t(*best), uint32_t(*best + bytes)};
    taken_.insert(std::lower_bound(taken_.begin(), taken_.end(), r,
                                   [](auto &a, auto &b) { return a.begin < b.begin; }),
                  r);
    return r.begin;
  }
  void release(uint32_t address) {
    std::erase_if(taken_, [&](const LaneRange &r) { return r.begin == address; });
  }
  void clear() { taken_.clear(); }

private:
  int64_t bytes_;
  std::vector<LaneRange> taken_; ///< by address
};

/// One copy of one slot of one layer.
struct Copy {
  int64_t address = -1; ///< -1: no place
  int64_t held = -1;    ///< version of its contents
  bool used = false;
  size_t lastSlice = 0; ///< global number of the last slice that wants it
};

class Pipeline {
public:
  Pipeline(const std::vector<LayerPlan> &plans, const Options &options)
      : plans_(plans), options_(options), memory_(options.localBytes) {
    result_.relayouts.assign(plans.size(), 0);
    for (size_t p = 0; p < plans.size(); ++p) {
      std::vector<std::vector<Copy>> slots;
      for (const SlotSpec &s : plans[p].slots)
        slots.emplace_back(size_t(s.copies));
      for (size_t s = 0; s < plans[p].slices.size(); ++s) {
        for (auto *uses : {&plans[p].slices[s].inputs, &plans[p].slices[s].work})
          for (const SlotUse &u : *uses) {
            Copy &c =
                slots[size_t(u.slot)][size_t(u.version % plans[p].slots[size_t(u.slot)].copies)];
            c.used = true;
            c.lastSlice = order_.size();
          }
        order_.push_back({p, s});
      }
      copies_.push_back(std::move(slots));
    }
  }

  PipelineResult run() {
    for (size_t k = 0; k < order_.size(); ++k) {
      completeLoads(k);
      placeWork(k);
      currentStores_ = work(k).store ? work(k).store(addresses(k)) : Instructions{};
      if (options_.overlap && k + 1 < order_.size())
        tryLoads(k + 1, k);
      emitPending();
      if (options_.overlap && k + 1 < order_.size())
        tryLoads(k + 1, k);
      if (work(k).compute)
        append(work(k).compute(addresses(k)), k);
      pending_ = std::move(currentStores_);
      currentStores_.clear();
      pendingSlice_ = k;
      releaseAfter(k, true);
      if (options_.overlap && k + 1 < order_.size())
        tryLoads(k + 1, std::nullopt);
      else
        emitPending();
      if (pending_.empty())
        releaseAfter(k, false);
    }
    emitPending();
    return std::move(result_);
  }

private:
  struct Position {
    size_t plan, slice;
  };
  const SliceWork &work(size_t k) const { return plans_[order_[k].plan].slices[order_[k].slice]; }
  const SlotSpec &spec(size_t k, int slot) const {
    return plans_[order_[k].plan].slots[size_t(slot)];
  }
  Copy &copy(size_t k, const SlotUse &u) {
    return copies_[order_[k].plan][size_t(u.slot)][size_t(u.version % spec(k, u.slot).copies)];
  }
  Addresses addresses(size_t k) {
    Addresses a(plans_[order_[k].plan].slots.size(), 0);
    for (auto *uses : {&work(k).inputs, &work(k).work})
      for (const SlotUse &u : *uses)
        a[size_t(u.slot)] = uint32_t(std::max<int64_t>(copy(k, u).address, 0));
    return a;
  }
  void append(Instructions list, size_t k) {
    for (Instruction &i : list) {
      if (i.layer < 0) // else of an op that this one does on its result
        i.layer = plans_[order_[k].plan].layer;
      i.slice = int32_t(order_[k].slice);
      result_.program.push_back(std::move(i));
    }
  }
  bool place(Copy &c, const SlotSpec &s) {
    if (c.address >= 0)
      return true;
    bool bank = s.ownBank && options_.localBytes >= chip::kLaneBytes;
    auto at = memory_.take(reservedBytes(s, options_.localBytes), s.high,
                           bank ? chip::kBankBytes : chip::kEuBytes);
    if (!at)
      return false;
    c.address = *at;
    return true;
  }
  void emitPending() {
    if (pending_.empty())
      return;
    append(std::move(pending_), pendingSlice_);
    pending_.clear();
    releaseAfter(pendingSlice_, false);
  }
  LaneRange range(size_t k, const SlotUse &u) {
    const Copy &c = copy(k, u);
    return {uint32_t(c.address),
            uint32_t(c.address + reservedBytes(spec(k, u.slot), options_.localBytes))};
  }
  /// Gives back what no later slice wants; what pending stores still read only once they are
  /// emitted.
  void releaseAfter(size_t k, bool keepStored) {
    for (auto *uses : {&work(k).inputs, &work(k).work})
      for (const SlotUse &u : *uses) {
        Copy &c = copy(k, u);
        if (c.lastSlice != k || c.address < 0)
          continue;
        if (keepStored && reads(pending_, range(k, u)))
          continue;
        memory_.release(uint32_t(c.address));
        c.address = -1;
        c.held = -1;
      }
  }
  static bool reads(const Instructions &list, const LaneRange &r) {
    for (const Instruction &i : list)
      for (const LaneRange &x : i.reads)
        if (x.overlaps(r))
          return true;
    return false;
  }
  static bool writesGlobal(const Instructions &stores, const Instructions &loads) {
    for (const Instruction &s : stores)
      for (const Instruction &l : loads)
        if (s.destination.mayOverlap(l.source))
          return true;
    return false;
  }
  /// Emits those loads of slice k that may go at this point of the program. `uncomputed`: the slice
  /// before it, if it has not computed yet. True if none is left.
  bool tryLoads(size_t k, std::optional<size_t> uncomputed) {
    bool all = true;
    for (const SlotUse &u : work(k).inputs) {
      Copy &c = copy(k, u);
      if (c.address >= 0 && c.held == u.version)
        continue;
      bool wanted = false; // by a slice that comes first
      if (uncomputed && order_[*uncomputed].plan == order_[k].plan)
        for (auto *uses : {&work(*uncomputed).inputs, &work(*uncomputed).work})
          for (const SlotUse &v : *uses)
            wanted = wanted || &copy(*uncomputed, v) == &c;
      if (wanted || (c.address >= 0 && reads(pending_, range(k, u)))) {
        all = false;
        continue;
      }
      // Whether the data is there yet does not depend on where it goes: ask before taking memory.
      Addresses a = addresses(k);
      Instructions loads = work(k).load(a, u.slot);
      if (writesGlobal(pending_, loads) || (uncomputed && writesGlobal(currentStores_, loads)) ||
          !place(c, spec(k, u.slot))) {
        all = false;
        continue;
      }
      append(work(k).load(addresses(k), u.slot), k);
      c.held = u.version;
    }
    return all;
  }
  void completeLoads(size_t k) {
    if (tryLoads(k, std::nullopt))
      return;
    emitPending();
    if (!tryLoads(k, std::nullopt))
      relayout(k);
  }
  bool placeAll(size_t k) {
    // Partial sums must not move, so a layer that has some gets all its places with its first
    // slice.
    const LayerPlan &plan = plans_[order_[k].plan];
    bool carries = std::any_of(plan.slots.begin(), plan.slots.end(),
                               [](const SlotSpec &s) { return s.carries; });
    if (carries && order_[k].slice == 0)
      return placeLayer(order_[k].plan);
    for (const SlotUse &u : work(k).work)
      if (!place(copy(k, u), spec(k, u.slot)))
        return false;
    return true;
  }
  bool placeLayer(size_t p) {
    for (bool bank : {true, false})
      for (size_t s = 0; s < plans_[p].slots.size(); ++s)
        if (plans_[p].slots[s].ownBank == bank)
          for (Copy &c : copies_[p][s])
            if (c.used && !place(c, plans_[p].slots[s]))
              return false;
    return true;
  }
  void placeWork(size_t k) {
    if (placeAll(k))
      return;
    emitPending();
    if (!placeAll(k))
      relayout(k);
  }
  /// Local memory is too broken up: place the layer afresh in empty memory and load again.
  void relayout(size_t k) {
    size_t p = order_[k].plan;
    ++result_.relayouts[p];
    memory_.clear();
    for (auto &slots : copies_)
      for (auto &slot : slots)
        for (Copy &c : slot)
          c.address = c.held = -1;
    TESSERA_CHECK(placeLayer(p), "a plan does not fit empty local memory");
    TESSERA_CHECK(tryLoads(k, std::nullopt), "a slice cannot be loaded into empty local memory");
  }

  const std::vector<LayerPlan> &plans_;
  const Options &options_;
  LocalMemory memory_;
  std::vector<Position> order_;
  std::vector<std::vector<std::vector<Copy>>> copies_; ///< by plan, slot, copy
  Instructions pending_, currentStores_;
  size_t pendingSlice_ = 0;
  PipelineResult result_;
};

} // namespace

PipelineResult pipeline(const std::vector<LayerPlan> &plans, const Options &options) {
  return Pipeline(plans, options).run();
}

} // namespace tessera::schedule
