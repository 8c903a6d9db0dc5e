// Which layers run as groups that hand their tensors on in local memory: dynamic programming over
// all chains of layers, each priced with its best cut.
#include "tessera/schedule/scheduler.h"

#include "tessera/schedule/pipeline.h"
#include "tessera/schedule/plan_group.h"
#include "tessera/support/parallel.h"
#include "tessera/support/suggest.h"

#include <algorithm>
#include <fmt/format.h>

namespace tessera::schedule {

using namespace codegen;

namespace {

/// Hosts in a row, run in one way.
struct Chain {
  size_t last = 0;
  bool group = true;
  uint64_t cycles = 0; ///< alone
  std::string cut;
  Unfolded form = Unfolded::Rows; ///< of a group
};

/// Where chains from `first` end that are tried: after every number of few hosts, after fewer
/// numbers of many, so that long chains of small layers can be planned in time; and where pins say.
std::set<size_t> chainEnds(size_t first, size_t hosts, const std::vector<Pinned> &pins) {
  std::set<size_t> ends;
  for (size_t length = 1; first + length <= hosts; length += std::max<size_t>(1, length / 8))
    ends.insert(first + length - 1);
  for (const Pinned &p : pins)
    if (p.first == first)
      ends.insert(p.last);
  return ends;
}

std::string nameOf(const Pin &pin) {
  return "pin '" + pin.first + (pin.first == pin.last ? "'" : "' to '" + pin.last + "'");
}

} // namespace

std::vector<Pinned> Scheduler::pinned(const std::vector<int32_t> &hosts) {
  std::map<std::string, size_t> hostOf; // by result
  std::vector<std::string> names;
  for (size_t l = 0; l < net_.layers.size(); ++l) {
    int32_t host = fusedInto_[l] >= 0 ? fusedInto_[l] : int32_t(l);
    names.push_back(tensor(net_.layers[l].output).name);
    hostOf[names.back()] = size_t(std::ranges::lower_bound(hosts, host) - hosts.begin());
  }
  std::vector<Pinned> list;
  for (const Pin &pin : options_.pins) {
    bool known = true;
    for (const std::string &name : std::set{pin.first, pin.last})
      if (!hostOf.contains(name)) {
        known = false;
        errors_.add(Diagnostic{"bad-pin", nameOf(pin), "no layer makes '" + name + "'",
                               didYouMean(name, names)});
      }
    if (!known)
      continue;
    Pinned p{hostOf[pin.first], hostOf[pin.last], &pin};
    bool taken = p.first > p.last;
    for (const Pinned &other : list)
      taken |= p.first <= other.last && other.first <= p.last;
    if (taken)
      errors_.add(Diagnostic{"bad-pin", nameOf(pin),
                             p.first > p.last ? "runs backwards" : "names layers of another pin",
                             "name the first and the last layer of a group, each layer once"});
    else
      list.push_back(p);
  }
  return list;
}

void Scheduler::planGroups(std::vector<LayerPlan> &plans) {
  groupOf_.resize(net_.layers.size());
  for (size_t l = 0; l < groupOf_.size(); ++l)
    groupOf_[l] = {int32_t(l), int32_t(l)};
  std::vector<int32_t> hosts;
  for (size_t l = 0; l < net_.layers.size(); ++l)
    if (fusedInto_[l] < 0)
      hosts.push_back(int32_t(l));
  std::vector<Pinned> pins = pinned(hosts);
  auto pinOf = [&](size_t first, size_t last) -> const Pin * {
    for (const Pinned &p : pins)
      if (p.first == first && p.last == last)
        return p.pin;
    return nullptr;
  };
  /// Whether hosts first to last cannot be a chain with the pins as they are.
  auto breaks = [&](size_t first, size_t last) {
    return std::ranges::any_of(pins, [&](const Pinned &p) {
      bool apart = last < p.first || p.last < first;
      return !apart && (p.first != first || p.last != last);
    });
  };
  auto pinnedOptions = [&](size_t first, size_t last) {
    Options options = options_;
    if (const Pin *pin = pinOf(first, last))
      options.cut = pin->cut;
    return options;
  };
  // What each chain of hosts takes: independent of one another.
  std::vector<std::vector<Chain>> chains(hosts.size()); // by first host
  parallelFor(int64_t(hosts.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto k = size_t(begin); k < size_t(end); ++k) {
      LayerPlan &lone = plans[size_t(hosts[k])];
      if (!breaks(k, k))
        chains[k].push_back({k, false, aloneCycles(lone, options_), lone.cut});
      int failures = 0;
      for (size_t last : chainEnds(k, options_.groups ? hosts.size() : 0, pins)) {
        if (failures == 3)
          break;
        if (breaks(k, last))
          continue;
        Options options = pinnedOptions(k, last);
        bool any = false, fits = false, unfolds = false;
        for (Unfolded form : {Unfolded::Rows, Unfolded::Cells}) {
          auto work = groupWork(hosts, k, last, form);
          if (!work) // a later layer may be what the group lacks
            break;
          bool here = std::ranges::any_of(work->ops, [](const GroupOp &op) {
            return std::ranges::any_of(op.inputs, [](auto &i) { return i.unfold.has_value(); });
          });
          if (any && !here && !unfolds)
            break; // the same again
          any = true;
          unfolds = here;
          if (auto plan = planGroup(*work, options)) {
            fits = true;
            chains[k].push_back({last, true, aloneCycles(*plan, options_), plan->cut, form});
          }
        }
        failures += any && !fits;
      }
    }
  });
  // best[k]: the cheapest way to run the hosts from k on.
  constexpr uint64_t kNever = ~uint64_t(0) / 2;
  struct Best {
    uint64_t cycles = kNever;
    const Chain *chain = nullptr;
  };
  std::vector<Best> best(hosts.size() + 1);
  best[hosts.size()].cycles = 0;
  auto total = [&](const Chain &c) { return c.cycles + best[c.last + 1].cycles; };
  for (size_t k = hosts.size(); k-- > 0;)
    for (const Chain &c : chains[k]) {
      const Pin *pin = pinOf(k, c.last);
      bool asked = !pin || pin->cut.empty() || pin->cut == c.cut;
      if (asked && total(c) < best[k].cycles)
        best[k] = {total(c), &c};
    }
  for (const Pinned &p : pins)
    if (!best[p.first].chain || best[p.first].chain->last != p.last) {
      std::string ways;
      for (const Chain &c : chains[p.first])
        if (c.last == p.last)
          ways += (ways.empty() ? "'" : ", '") + c.cut + "'";
      errors_.add(Diagnostic{"bad-pin", nameOf(*p.pin),
                             ways.empty() ? "these layers do not run as one group"
                                          : "cannot be cut as '" + p.pin->cut + "'",
                             ways.empty() ? "leave the pin out, or name fewer layers"
                                          : "leave cut out, or take one of " + ways});
    }
  if (!errors_.empty())
    return;
  for (size_t k = 0, next = 0; k < hosts.size(); k = next) {
    const Chain &taken = *best[k].chain;
    next = taken.last + 1;
    LayerPlan plan = std::move(plans[size_t(hosts[k])]);
    if (taken.group)
      plan = *planGroup(*groupWork(hosts, k, taken.last, taken.form), pinnedOptions(k, taken.last));
    int32_t first = hosts[k], last = hosts[taken.last];
    Choice choice{first, last, taken.group, {taken.cut, taken.cycles}};
    for (const Chain &c : chains[k])
      if (&c != &taken && best[c.last + 1].cycles < kNever)
        choice.others.push_back(
            {hosts[c.last], c.group, {c.cut, c.cycles}, total(c) - best[k].cycles});
    for (const Way &way : plan.others)
      if (way.cut != plan.cut)
        choice.others.push_back(
            {last, taken.group, way, way.cycles - std::min(way.cycles, plan.estimate)});
    std::ranges::stable_sort(choice.others, {}, &Choice::Other::more);
    out_.choices.push_back(std::move(choice));
    if (taken.group) {
      for (int32_t l = first; l <= last; ++l)
        groupOf_[size_t(l)] = {first, last};
      for (size_t h = k; h < next; ++h) {
        plans[size_t(hosts[h])] = {};
        plans[size_t(hosts[h])].cut = fmt::format("in the group of layer {}", first);
      }
    }
    plans[size_t(first)] = std::move(plan);
  }
}

} // namespace tessera::schedule
