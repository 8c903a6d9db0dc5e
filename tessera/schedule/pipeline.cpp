#include "tessera/schedule/pipeline.h"

#include "tessera/cycles/cycles.h"
#include "tessera/schedule/local_memory.h"

#include <algorithm>
#include <deque>
#include <map>
#include <ranges>
#include <span>

namespace tessera::schedule {
namespace {

using codegen::Instruction;
using codegen::Instructions;
using codegen::LaneRange;

constexpr uint64_t kNever = ~uint64_t(0);
/// How many loads ahead are looked at for one whose place and data are there.
constexpr size_t kWindow = 96;

bool isTiu(const Instruction &i) { return i.command.engine == isa::Engine::Tiu; }
uint64_t price(const Instructions &list, bool tiu) {
  uint64_t sum = 0;
  for (const Instruction &i : list)
    if (isTiu(i) == tiu)
      sum += cycles::commandCycles(i.command);
  return sum;
}

/// Whether `compute` writes what `store` reads of a range.
bool overwrites(const Instructions &compute, const LaneRange &range, const Instructions &store) {
  for (const Instruction &i : compute)
    for (const LaneRange &w : i.writes)
      if (w.overlaps(range))
        for (const Instruction &s : store)
          for (const LaneRange &r : s.reads)
            if (w.overlaps(r))
              return true;
  return false;
}

/// One slice's computing and storing.
struct Step {
  Instructions compute, store;
  uint64_t computeCycles = 0, storeCycles = 0;
  std::vector<size_t> objects;                 ///< global numbers of what it uses
  uint64_t computed = kNever, stored = kNever; ///< when they have ended
  uint64_t storeDeadline = kNever;
  std::optional<size_t> after; ///< the last step whose store reads what this one overwrites
};

/// One object in local memory.
struct Object {
  size_t first = 0, last = 0;
  bool loaded = false;
  Instructions load;
  size_t fills = 0; ///< how many of its first commands are of the TIU: what no transfer brings
  uint64_t fillCycles = 0, gdmaCycles = 0;
  uint64_t filled = 0;         ///< when those have ended; kNever: not yet
  std::vector<size_t> before;  ///< objects that had its bytes
  std::vector<size_t> stores;  ///< steps whose stores read it
  std::vector<size_t> sources; ///< steps whose stores write what it loads
  uint64_t there = kNever;     ///< when the load has ended
};

/// Runs the steps in order on two engines, as the timeline of `cycles` has it, and lets the GDMA
/// take of what can run now the transfer that is needed first.
class Pipeline {
public:
  /// Of each plan its first `slices`.
  Pipeline(std::span<const LayerPlan> plans, const Options &options, size_t slices = ~size_t(0))
      : options_(options) {
    LocalMemory memory(options.localBytes);
    std::vector<LocalObject> placed;
    for (const LayerPlan &plan : plans)
      addPlan(plan, std::min(plan.slices.size(), slices), memory, placed);
    findEarlierOwners(placed);
    findSources();
    start_.push_back(0);
    for (const Step &s : steps_)
      start_.push_back(start_.back() + s.computeCycles);
    setDeadlines();
  }

  Instructions run() {
    while (next_ < steps_.size() || !loads_.empty() || !stores_.empty()) {
      std::optional<uint64_t> compute = computeStart();
      if (runFill(compute))
        continue;
      Transfer t = bestTransfer();
      if (compute && (t.start == kNever || *compute <= t.start))
        runCompute(*compute);
      else if (t.start != kNever)
        runTransfer(t);
      else
        TESSERA_CHECK(false, "slices wait for each other");
    }
    return std::move(program_);
  }

  /// After run().
  uint64_t end() const { return std::max(tiu_, gdma_); }
  uint64_t computed(size_t step) const { return steps_[step].computed; }

private:
  struct Transfer {
    uint64_t start = kNever, deadline = kNever;
    bool store = false;
    size_t index = 0; ///< in loads_, if no store
  };

  void addPlan(const LayerPlan &plan, size_t slices, LocalMemory &memory,
               std::vector<LocalObject> &placed) {
    PlanObjects p = localObjects(plan, slices, steps_.size(), options_.localBytes);
    if (!memory.place(p.objects)) {
      placeBySlots(plan, p);
      for (const LocalObject &o : p.objects)
        memory.add(o);
    }
    size_t base = objects_.size();
    for (const LocalObject &o : p.objects) {
      Object x;
      x.first = o.first;
      x.last = o.last;
      x.loaded = o.loaded;
      objects_.push_back(std::move(x));
      placed.push_back(o);
    }
    for (size_t k = 0; k < slices; ++k) {
      const SliceWork &work = plan.slices[k];
      Addresses a(plan.slots.size(), 0);
      for (size_t s = 0; s < a.size(); ++s)
        if (p.used[k][s] != PlanObjects::kNone)
          a[s] = p.objects[p.used[k][s]].address;
      auto owned = [&](Instructions list) {
        for (Instruction &i : list) {
          if (i.layer < 0) // else of an op that this one does on its result
            i.layer = plan.layer;
          i.slice = int32_t(k);
        }
        return list;
      };
      Step step;
      if (work.compute)
        step.compute = owned(work.compute(a));
      if (work.store)
        step.store = owned(work.store(a));
      step.computeCycles = price(step.compute, true);
      step.storeCycles = price(step.store, false);
      for (size_t s = 0; s < a.size(); ++s) {
        size_t o = p.used[k][s];
        if (o == PlanObjects::kNone)
          continue;
        step.objects.push_back(base + o);
        LaneRange range{a[s], uint32_t(a[s] + p.objects[o].bytes)};
        // An object that lives on holds one content after another.
        for (size_t k : std::views::reverse(objects_[base + o].stores))
          if (overwrites(step.compute, range, steps_[k].store)) {
            step.after = std::max(step.after.value_or(0), k);
            break;
          }
        for (const Instruction &i : step.store)
          for (const LaneRange &r : i.reads)
            if (r.overlaps(range) && (objects_[base + o].stores.empty() ||
                                      objects_[base + o].stores.back() != steps_.size()))
              objects_[base + o].stores.push_back(steps_.size());
      }
      for (const SlotUse &u : work.inputs) {
        Object &o = objects_[base + p.used[k][size_t(u.slot)]];
        if (o.first != steps_.size())
          continue;
        o.load = owned(work.load(a, u.slot));
        o.gdmaCycles = price(o.load, false);
        o.fillCycles = price(o.load, true);
        while (o.fills < o.load.size() && isTiu(o.load[o.fills]))
          ++o.fills;
        o.filled = o.fills ? kNever : 0;
        loads_.push_back(base + p.used[k][size_t(u.slot)]);
      }
      steps_.push_back(std::move(step));
    }
  }

  /// Every copy of every slot at a place of its own.
  void placeBySlots(const LayerPlan &plan, PlanObjects &p) const {
    std::vector<std::vector<uint32_t>> address(plan.slots.size());
    int64_t at = 0;
    for (bool bank : {true, false})
      for (size_t s = 0; s < plan.slots.size(); ++s)
        if (plan.slots[s].ownBank == bank)
          for (int c = 0; c < plan.slots[s].copies; ++c) {
            address[s].push_back(uint32_t(at));
            at += reservedBytes(plan.slots[s], options_.localBytes);
          }
    TESSERA_CHECK(at <= options_.localBytes, "a plan does not fit empty local memory");
    for (LocalObject &o : p.objects) {
      o.address = address[size_t(o.slot)][size_t(o.version % plan.slots[size_t(o.slot)].copies)];
      o.begin = o.first;
      o.end = o.last;
    }
  }

  // Objects that share bytes are never there in the same slices: in the order they come, each waits
  // for those that had its bytes just before.
  void findEarlierOwners(const std::vector<LocalObject> &placed) {
    std::vector<size_t> order(placed.size());
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return placed[a].begin < placed[b].begin; });
    struct Piece {
      int64_t end;
      size_t owner;
    };
    std::map<int64_t, Piece> pieces; // by begin
    for (size_t i : order) {
      int64_t from = placed[i].address, to = from + placed[i].bytes;
      auto it = pieces.upper_bound(from);
      if (it != pieces.begin())
        --it;
      std::vector<std::pair<int64_t, Piece>> rests;
      while (it != pieces.end() && it->first < to) {
        if (it->second.end <= from) {
          ++it;
          continue;
        }
        auto &before = objects_[i].before;
        if (std::find(before.begin(), before.end(), it->second.owner) == before.end())
          before.push_back(it->second.owner);
        if (it->first < from)
          rests.push_back({it->first, {from, it->second.owner}});
        if (it->second.end > to)
          rests.push_back({to, {it->second.end, it->second.owner}});
        it = pieces.erase(it);
      }
      for (auto &r : rests)
        pieces.insert(r);
      pieces[from] = {to, i};
    }
  }

  // A load waits for the stores of earlier slices that write what it reads.
  void findSources() {
    std::map<int32_t, std::vector<size_t>> writers; // by buffer: steps
    for (size_t k = 0; k < steps_.size(); ++k)
      for (const Instruction &i : steps_[k].store)
        if (auto &w = writers[i.destination.buffer]; w.empty() || w.back() != k)
          w.push_back(k);
    for (size_t l : loads_)
      for (const Instruction &i : objects_[l].load)
        if (auto w = writers.find(i.source.buffer); !isTiu(i) && w != writers.end())
          for (size_t k : w->second) {
            if (k >= objects_[l].first)
              break;
            for (const Instruction &s : steps_[k].store)
              if (s.destination.mayOverlap(i.source)) {
                if (objects_[l].sources.empty() || objects_[l].sources.back() != k)
                  objects_[l].sources.push_back(k);
                break;
              }
          }
  }

  // Times are counted in cycles of computing without a pause.
  void setDeadlines() {
    for (const Object &o : objects_) {
      uint64_t wanted = start_[o.first] - std::min(o.gdmaCycles, start_[o.first]);
      auto hurry = [&](size_t step) {
        steps_[step].storeDeadline = std::min(steps_[step].storeDeadline, wanted);
      };
      for (size_t step : o.sources)
        hurry(step);
      for (size_t b : o.before)
        for (size_t step : objects_[b].stores)
          hurry(step);
    }
    for (size_t k = 0; k < steps_.size(); ++k)
      if (auto after = steps_[k].after) {
        Step &s = steps_[*after];
        s.storeDeadline = std::min(s.storeDeadline, start_[k] - std::min(s.storeCycles, start_[k]));
      }
    // Stores go in the order of their slices: one that is urgent makes those before it urgent.
    for (size_t k = steps_.size(); k-- > 1;)
      steps_[k - 1].storeDeadline = std::min(steps_[k - 1].storeDeadline, steps_[k].storeDeadline);
  }

  /// When nobody wants the object's bytes any more; kNever if that is not decided yet.
  uint64_t freed(size_t o) const {
    uint64_t t = steps_[objects_[o].last].computed;
    for (size_t k : objects_[o].stores)
      t = std::max(t, steps_[k].stored);
    return t;
  }
  uint64_t placeFree(const Object &o) const {
    uint64_t t = 0;
    for (size_t b : o.before)
      t = std::max(t, freed(b));
    return t;
  }

  std::optional<uint64_t> computeStart() const {
    if (next_ == steps_.size())
      return std::nullopt;
    uint64_t t = tiu_;
    if (auto after = steps_[next_].after)
      t = std::max(t, steps_[*after].stored);
    for (size_t o : steps_[next_].objects) {
      const Object &x = objects_[o];
      if (x.loaded)
        t = std::max(t, x.there);
      else if (x.first == next_)
        t = std::max(t, placeFree(x));
    }
    return t == kNever ? std::nullopt : std::optional(t);
  }

  Transfer bestTransfer() const {
    Transfer best;
    auto offer = [&](Transfer t) {
      if (t.start == kNever)
        return;
      t.start = std::max(t.start, gdma_);
      if (std::tuple(t.start, t.deadline) < std::tuple(best.start, best.deadline) ||
          best.start == kNever)
        best = t;
    };
    if (!stores_.empty()) {
      const Step &s = steps_[stores_.front()];
      offer({s.computed, s.storeDeadline, true, 0});
    }
    for (size_t i = 0; i < std::min(loads_.size(), kWindow); ++i) {
      const Object &o = objects_[loads_[i]];
      if (!options_.overlap && o.first != next_)
        break;
      uint64_t t = std::max(placeFree(o), o.filled);
      for (size_t k : o.sources)
        t = std::max(t, steps_[k].stored);
      offer({t, start_[o.first], false, i});
    }
    return best;
  }

  /// Fills are short: as soon as their place is free they go before the computing that would start
  /// no earlier.
  bool runFill(std::optional<uint64_t> compute) {
    for (size_t i = 0; i < std::min(loads_.size(), kWindow); ++i) {
      Object &o = objects_[loads_[i]];
      if (o.filled != kNever || (!options_.overlap && o.first != next_))
        continue;
      uint64_t free = placeFree(o);
      if (free == kNever || (compute && free > *compute))
        continue;
      Instructions fills(std::make_move_iterator(o.load.begin()),
                         std::make_move_iterator(o.load.begin() + ptrdiff_t(o.fills)));
      o.load.erase(o.load.begin(), o.load.begin() + ptrdiff_t(o.fills));
      append(fills);
      tiu_ = o.filled = std::max(tiu_, free) + o.fillCycles;
      return true;
    }
    return false;
  }

  void runCompute(uint64_t start) {
    Step &s = steps_[next_];
    append(s.compute);
    s.computed = start + s.computeCycles;
    if (s.computeCycles)
      tiu_ = s.computed;
    if (s.store.empty())
      s.stored = s.computed;
    else
      stores_.push_back(next_);
    ++next_;
    if (!options_.overlap && !stores_.empty())
      runTransfer({std::max(gdma_, s.computed), 0, true, 0});
  }

  void runTransfer(const Transfer &t) {
    if (t.store) {
      Step &s = steps_[stores_.front()];
      append(s.store);
      gdma_ = s.stored = t.start + s.storeCycles;
      stores_.pop_front();
      return;
    }
    Object &o = objects_[loads_[t.index]];
    append(o.load);
    gdma_ = o.there = t.start + o.gdmaCycles;
    loads_.erase(loads_.begin() + ptrdiff_t(t.index));
  }

  void append(Instructions &list) {
    for (Instruction &i : list)
      program_.push_back(std::move(i));
    list.clear();
  }

  const Options &options_;
  std::vector<Step> steps_;
  std::vector<Object> objects_;
  std::vector<uint64_t> start_; ///< by step
  std::deque<size_t> loads_;    ///< objects, not loaded yet, in the order they are wanted
  std::deque<size_t> stores_;   ///< steps that have computed
  size_t next_ = 0;
  uint64_t tiu_ = 0, gdma_ = 0; ///< when the engines are free
  Instructions program_;
};

} // namespace

uint64_t aloneCycles(const LayerPlan &plan, const Options &options) {
  constexpr size_t kPeriods = 4, kEnough = 48;
  size_t count = plan.slices.size(),
         part = plan.period * std::max<size_t>(1, kEnough / plan.period);
  part = std::max(part, kPeriods * plan.period);
  if (count == 0)
    return 0;
  if (count <= 3 * part) {
    Pipeline all({&plan, 1}, options);
    all.run();
    return all.end();
  }
  // The second part is like all that follow.
  Pipeline begin({&plan, 1}, options, 2 * part);
  begin.run();
  uint64_t steady = begin.computed(2 * part - 1) - begin.computed(part - 1);
  return begin.end() + steady * (count - 2 * part) / part;
}

Instructions pipeline(const std::vector<LayerPlan> &plans, const Options &options) {
  return Pipeline(plans, options).run();
}

} // namespace tessera::schedule
