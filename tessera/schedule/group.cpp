// Which layers run as groups that hand their tensors on in local memory.
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

WindowAxis same(int64_t size) { return {size, size}; }

} // namespace

/// Builds the work of hosts [first, last]; fails where a layer or a tensor cannot stay inside.
class Scheduler::GroupBuilder {
public:
  GroupBuilder(const Scheduler &s, const std::vector<int32_t> &hosts, size_t first, size_t last,
               Unfolded form)
      : s_(s), form_(form), inside_(s.net_.layers.size(), false), made_(s.net_.tensors.size(), -1) {
    for (size_t h = first; h <= last; ++h)
      inside_[size_t(hosts[h])] = true;
    for (size_t l = 0; l < inside_.size(); ++l)
      if (s.fusedInto_[l] >= 0 && inside_[size_t(s.fusedInto_[l])])
        inside_[l] = true;
    for (size_t h = first; h <= last; ++h)
      hosts_.push_back(hosts[h]);
  }

  std::optional<GroupWork> build() {
    for (int32_t h : hosts_) {
      if (!add(h))
        return std::nullopt;
      for (size_t l = 0; l < inside_.size(); ++l)
        if (s_.fusedInto_[l] == h && !add(int32_t(l)))
          return std::nullopt;
    }
    if (work_.ops.empty())
      return std::nullopt;
    for (size_t k = 0; k < work_.ops.size(); ++k)
      work_.tensors[k].stored = wanted(s_.net_.layers[size_t(work_.ops[k].layer)].output);
    if (failed_)
      return std::nullopt;
    return std::move(work_);
  }

private:
  const Layer &layer(int32_t l) const { return s_.net_.layers[size_t(l)]; }

  /// Whether somebody outside reads a tensor where it lies in global memory.
  bool wanted(int32_t t) {
    if (std::find(s_.net_.outputs.begin(), s_.net_.outputs.end(), t) != s_.net_.outputs.end())
      return true;
    bool any = false;
    for (size_t m = 0; m < s_.net_.layers.size(); ++m)
      for (int32_t input : s_.net_.layers[m].inputs) {
        if (input != t)
          continue;
        bool passed = inside_[m] && isPassed(layer(int32_t(m)));
        if (!inside_[m] || (passed && wanted(layer(int32_t(m)).output)))
          any = true;
      }
    return any;
  }

  /// The tensors of which `t` is made, as far as the group has them: parts of the channels in
  /// order, each with its window.
  void resolve(int32_t t, const WindowAxis &y, const WindowAxis &x, std::vector<GroupInput> &list) {
    GroupInput i;
    i.y = y;
    i.x = x;
    if (made_[size_t(t)] >= 0) {
      i.tensor = made_[size_t(t)];
    } else if (int32_t l = passedInside(t); l >= 0) {
      const Layer &from = layer(l);
      if (auto *pad = std::get_if<Pad>(&from.op)) {
        auto inner = s_.shape(from.inputs[0]);
        auto part = [&](WindowAxis a, size_t axis) {
          a.in = inner[axis];
          a.padBefore += pad->paddings[axis];
          return a;
        };
        resolve(from.inputs[0], part(y, 2), part(x, 3), list);
      } else {
        for (int32_t input : from.inputs)
          resolve(input, y, x, list);
      }
      return;
    } else {
      i.view = s_.view(t);
    }
    list.push_back(std::move(i));
  }
  int32_t passedInside(int32_t t) const {
    for (int32_t h : hosts_)
      if (layer(h).output == t && isPassed(layer(h)))
        return h;
    return -1;
  }

  bool add(int32_t l) {
    const Layer &layer = s_.net_.layers[size_t(l)];
    auto out = s_.shape(layer.output);
    if (auto *c = std::get_if<Concat>(&layer.op)) {
      failed_ = failed_ || wanted(layer.output) != false;
      return c->axis == 1 && !failed_;
    }
    if (auto *pad = std::get_if<Pad>(&layer.op)) {
      if (pad->paddings.size() != 8 || pad->value != 0 || wanted(layer.output))
        return false;
      for (size_t a = 0; a < 8; ++a)
        if (pad->paddings[a] < 0 || (a % 4 < 2 && pad->paddings[a] != 0))
          return false;
      return true;
    }
    GroupOp op;
    op.layer = l;
    op.result = int32_t(work_.tensors.size());
    auto in = s_.shape(layer.inputs[0]);
    if (auto conv = s_.convWork(l)) {
      if (std::any_of(conv->padValue.begin(), conv->padValue.end(),
                      [&](int32_t v) { return v != conv->padValue[0]; }))
        return false;
      bool padsZero = conv->padValue.empty() || conv->padValue[0] == 0;
      resolve(layer.inputs[0], conv->y, conv->x, op.inputs);
      bool whole = op.inputs.size() == 1 && op.inputs[0].tensor < 0;
      if (!whole && !padsZero && passedInside(layer.inputs[0]) >= 0)
        return false;
      if (conv->rotate && op.inputs.size() > 1)
        return false;
      if (whole && s_.options_.unfold != Unfolding::Never)
        if (auto flat = unfolded(*conv, form_)) {
          op.inputs[0].unfold = flat->unfold;
          op.inputs[0].y = flat->y;
          op.inputs[0].x = flat->x;
          conv = std::move(flat);
        }
      int64_t channels = 0;
      for (const GroupInput &i : op.inputs) {
        channels += i.unfold        ? i.unfold->channels()
                    : i.tensor >= 0 ? work_.tensors[size_t(i.tensor)].view.shape[1]
                                    : i.view.shape[1];
        for (const WindowAxis *a : {&i.y, &i.x})
          if (a->stride > chip::kMaxWindowStride || a->dilation > chip::kMaxDilation ||
              a->insert > chip::kMaxConvInsert || a->kernel > chip::kMaxDim ||
              a->in > chip::kMaxDim || a->out > chip::kMaxDim)
            return false;
      }
      TESSERA_CHECK(channels == conv->filter.dim(1), "inputs of a group's convolution");
      op.conv = std::move(conv);
    } else if (auto *u = std::get_if<UpConv>(&layer.op)) {
      op.upConv = u;
      for (int32_t t : layer.inputs) {
        bool low = op.inputs.empty();
        auto size = s_.shape(t);
        auto axis = [&](size_t a) {
          return low ? upConvAxis(size[a], out[a]) : WindowAxis{size[a], out[a], 0, 1, 1, 3, 1};
        };
        GroupInput i;
        i.tensor = made_[size_t(t)];
        if (i.tensor < 0)
          i.view = s_.view(t);
        i.y = axis(2);
        i.x = axis(3);
        op.inputs.push_back(std::move(i));
      }
    } else {
      auto axes = [&](int32_t t, WindowAxis y, WindowAxis x) {
        GroupInput i;
        i.tensor = made_[size_t(t)];
        i.y = y;
        i.x = x;
        op.inputs.push_back(std::move(i));
        return op.inputs.back().tensor >= 0 && layer.inputs.size() == 1;
      };
      if (auto *p = std::get_if<MaxPool>(&layer.op)) {
        op.relu = p->relu;
        if (p->window.strides[0] > chip::kMaxWindowStride ||
            p->window.strides[1] > chip::kMaxWindowStride ||
            !axes(layer.inputs[0], WindowAxis::convolution(p->window, 0, in[2], out[2]),
                  WindowAxis::convolution(p->window, 1, in[3], out[3])))
          return false;
      } else if (auto recipe = s_.recipeOf(layer)) {
        op.recipe = std::move(recipe);
        if (!op.recipe->table.empty() || out != in ||
            !axes(layer.inputs[0], same(in[2]), same(in[3])))
          return false;
      } else {
        return false;
      }
    }
    GroupTensor t{s_.view(layer.output)};
    made_[size_t(layer.output)] = op.result;
    work_.tensors.push_back(std::move(t));
    work_.ops.push_back(std::move(op));
    return true;
  }

  const Scheduler &s_;
  Unfolded form_; ///< of convolutions that read nothing of the group
  std::vector<int32_t> hosts_;
  std::vector<bool> inside_;  ///< by layer
  std::vector<int32_t> made_; ///< by tensor: the group's number
  GroupWork work_;
  bool failed_ = false;
};

namespace {

/// Hosts in a row, run in one way.
struct Chain {
  size_t last = 0;
  bool group = true;
  uint64_t cycles = 0; ///< alone
  LayerPlan plan;
};

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
  // What each chain of hosts takes: independent of one another.
  std::vector<std::vector<Chain>> chains(hosts.size()); // by first host
  parallelFor(int64_t(hosts.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto k = size_t(begin); k < size_t(end); ++k) {
      LayerPlan &lone = plans[size_t(hosts[k])];
      if (!breaks(k, k))
        chains[k].push_back({k, false, aloneCycles(lone, options_), std::move(lone)});
      int failures = 0;
      for (size_t last = k; options_.groups && last < hosts.size() && failures < 3; ++last) {
        if (breaks(k, last))
          continue;
        Options options = options_;
        if (const Pin *pin = pinOf(k, last))
          options.cut = pin->cut;
        bool any = false, fits = false, unfolds = false;
        for (Unfolded form : {Unfolded::Rows, Unfolded::Cells}) {
          auto work = GroupBuilder(*this, hosts, k, last, form).build();
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
            uint64_t cycles = aloneCycles(*plan, options_);
            chains[k].push_back({last, true, cycles, std::move(*plan)});
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
    Chain *chain = nullptr;
  };
  std::vector<Best> best(hosts.size() + 1);
  best[hosts.size()].cycles = 0;
  auto total = [&](const Chain &c) { return c.cycles + best[c.last + 1].cycles; };
  for (size_t k = hosts.size(); k-- > 0;)
    for (Chain &c : chains[k]) {
      const Pin *pin = pinOf(k, c.last);
      bool asked = !pin || pin->cut.empty() || pin->cut == c.plan.cut;
      if (asked && total(c) < best[k].cycles)
        best[k] = {total(c), &c};
    }
  for (const Pinned &p : pins)
    if (!best[p.first].chain || best[p.first].chain->last != p.last) {
      std::string ways;
      for (const Chain &c : chains[p.first])
        if (c.last == p.last)
          ways += (ways.empty() ? "'" : ", '") + c.plan.cut + "'";
      errors_.add(Diagnostic{"bad-pin", nameOf(*p.pin),
                             ways.empty() ? "these layers do not run as one group"
                                          : "cannot be cut as '" + p.pin->cut + "'",
                             ways.empty() ? "leave the pin out, or name fewer layers"
                                          : "leave cut out, or take one of " + ways});
    }
  if (!errors_.empty())
    return;
  for (size_t k = 0, next = 0; k < hosts.size(); k = next) {
    Chain &taken = *best[k].chain;
    next = taken.last + 1;
    int32_t first = hosts[k], last = hosts[taken.last];
    Choice choice{first, last, taken.group, {taken.plan.cut, taken.cycles}};
    for (const Chain &c : chains[k])
      if (&c != &taken && best[c.last + 1].cycles < kNever)
        choice.others.push_back(
            {hosts[c.last], c.group, {c.plan.cut, c.cycles}, total(c) - best[k].cycles});
    for (const Way &way : taken.plan.others)
      if (way.cut != taken.plan.cut)
        choice.others.push_back(
            {last, taken.group, way, way.cycles - std::min(way.cycles, taken.plan.estimate)});
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
    plans[size_t(first)] = std::move(taken.plan);
  }
}

} // namespace tessera::schedule
