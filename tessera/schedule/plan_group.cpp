// The cheapest cut of a group.
#include "tessera/schedule/plan_group.h"

#include "tessera/schedule/group_cut.h"
#include "tessera/schedule/local_memory.h"
#include "tessera/schedule/pipeline.h"

#include <algorithm>

namespace tessera::schedule {

using namespace codegen;

namespace {

/// Whether two ops read one tensor from outside.
bool canShare(const GroupWork &work) {
  std::vector<const View *> seen;
  for (const GroupOp &op : work.ops)
    for (const GroupInput &i : op.inputs)
      if (i.tensor < 0 && !i.unfold) {
        if (std::ranges::any_of(seen, [&](const View *v) { return *v == i.view; }))
          return true;
        seen.push_back(&i.view);
      }
  return false;
}

} // namespace

WindowAxis upConvAxis(int64_t in, int64_t out) { return {in, out, 1, 1, 1, 4, 2}; }

std::optional<LayerPlan> planGroup(const GroupWork &work, const Options &options) {
  // Offers every cut that fits; stops where `take` returns true.
  auto eachCut = [&](auto take) {
    int64_t h = work.tensors[size_t(work.ops.back().result)].view.shape[2];
    int kept = 0;
    bool common = canShare(work);
    for (int64_t bands = 1; bands <= h && kept < 4;) {
      GroupBands rows = makeBands(work, bands);
      auto planned = [&](int64_t resident, int64_t acc, bool shares = false) {
        auto plan = planGroupCut(work, rows, {bands, resident, acc, shares}, options);
        return plan && fitsLocalMemory(*plan, options.localBytes) ? plan : std::nullopt;
      };
      constexpr int64_t kResident[] = {chip::kLaneBytes, 32768, 0}, kSums[] = {32768, 16384};
      // What takes least memory first: where it does not fit, nothing does.
      auto least = rows.empty() ? std::nullopt : planned(kResident[2], kSums[1]);
      bool fits = least.has_value();
      for (int64_t resident : kResident)
        for (int64_t sums : kSums) {
          bool isLeast = resident == kResident[2] && sums == kSums[1];
          auto plan = !fits ? std::nullopt : isLeast ? std::move(least) : planned(resident, sums);
          if (plan && take(*plan))
            return;
          // Where weights stay, transfers of other inputs count most.
          bool first = resident == kResident[0] && sums == kSums[0];
          if (auto shared = fits && common && first ? planned(resident, sums, true) : std::nullopt)
            if (take(*shared))
              return;
        }
      kept += fits;
      bands += std::max<int64_t>(1, bands / (fits ? 2 : 8));
    }
  };
  if (!options.cut.empty()) {
    std::optional<LayerPlan> asked;
    eachCut([&](LayerPlan &plan) {
      if (plan.cut == options.cut)
        asked = std::move(plan);
      return asked.has_value();
    });
    if (asked)
      return asked;
  }
  std::vector<LayerPlan> best; // by estimate, which counts no pauses
  std::vector<Way> others;
  constexpr size_t kTried = 4;
  eachCut([&](LayerPlan &plan) {
    plan.estimate = estimateCycles(plan, options.localBytes);
    auto at = std::ranges::upper_bound(best, plan.estimate, {}, &LayerPlan::estimate);
    best.insert(at, std::move(plan));
    if (best.size() > kTried)
      best.pop_back();
    return false;
  });
  std::optional<LayerPlan> chosen;
  uint64_t cycles = 0;
  for (LayerPlan &plan : best) {
    addWay(others, {plan.cut, plan.estimate});
    if (!chosen || plan.estimate < cycles)
      if (uint64_t t = aloneCycles(plan, options); !chosen || t < cycles) {
        cycles = t;
        chosen = std::move(plan);
      }
  }
  if (chosen) {
    std::erase_if(others, [&](const Way &way) { return way.cut == chosen->cut; });
    chosen->others = std::move(others);
  }
  return chosen;
}

} // namespace tessera::schedule
