#include "tessera/driver/compile.h"

#include "tessera/driver/plan_cache.h"
#include "tessera/driver/recipe.h"
#include "tessera/explain/pins.h"
#include "tessera/schedule/ir/from_ir.h"

#include <algorithm>
#include <map>
#include <set>

namespace tessera::driver {
namespace {

/// Two for each product of a convolution's filter with real input: what a profile divides by time.
uint64_t operationsOf(const schedule::Network &network) {
  int64_t products = 0;
  for (const schedule::Layer &l : network.layers) {
    auto count = [&](int32_t t) { return elementCount(network.tensors[size_t(t)].shape); };
    if (auto *c = std::get_if<schedule::Conv2D>(&l.op))
      products += count(l.output) * (c->filter.count() / c->filter.dim(0));
    else if (auto *u = std::get_if<schedule::UpConv>(&l.op)) // four taps of the small tensor a cell
      products += count(l.output) * (u->low.dim(2) * 4 + u->skip.dim(1) * 9);
    else if (auto *d = std::get_if<schedule::Deconv>(&l.op))
      products += count(l.inputs[0]) * (d->filter.count() / d->filter.dim(1) / d->group);
  }
  return 2 * uint64_t(products);
}

/// The ops of the main function by their ids.
std::map<int64_t, mlir::Operation *> opsById(const ir::Module &module) {
  std::map<int64_t, mlir::Operation *> ops;
  module.main().walk([&](mlir::Operation *op) {
    if (int64_t id = ir::idOf(op); id >= 0)
      ops[id] = op;
  });
  return ops;
}

} // namespace

bool does(const SearchOptions &o, std::string_view rewrite) {
  return std::ranges::find(o.without, rewrite) == o.without.end();
}

Status checkWithout(const SearchOptions &o) {
  for (const std::string &name : o.without)
    if (std::none_of(std::begin(kDeployRewrites), std::end(kDeployRewrites),
                     [&](const auto &r) { return r.first == name; })) {
      std::string known;
      for (const auto &r : kDeployRewrites)
        known += (known.empty() ? "" : ", ") + std::string(r.first);
      return fail("bad-option", "--without", "'" + name + "' is no rewrite", "one of " + known);
    }
  return {};
}

Result<Compiled> compile(const ir::Module &tpu, const SearchOptions &o,
                         std::vector<schedule::Pin> pins) {
  schedule::Options options;
  options.groups = does(o, "groups");
  if (!does(o, "unfold"))
    options.unfold = schedule::Unfolding::Never;
  if (!does(o, "stack"))
    options.stack = schedule::Stacking::Never;
  options.phases = does(o, "phases");
  if (o.localBytes)
    options.localBytes = o.localBytes;
  options.pins = std::move(pins);
  if (!o.pinFile.empty()) {
    TESSERA_ASSIGN(options.pins, explain::readPins(o.pinFile));
  }
  Compiled c;
  TESSERA_ASSIGN(c.network, schedule::networkOf(tpu));
  PlanCache cache(tpu, options);
  bool found = false;
  if (o.cache)
    if (auto kept = cache.find()) {
      schedule::Options known = options;
      known.pins = std::move(*kept);
      if (auto plan = schedule::schedule(c.network, known)) {
        c.plan = std::move(*plan);
        found = true;
      }
    }
  if (!found) {
    TESSERA_ASSIGN(c.plan, schedule::schedule(c.network, options));
    if (o.cache)
      cache.keep(c.network, c.plan);
  }
  TESSERA_ASSIGN(c.emitted, emit::emit(c.network, c.plan));
  auto &recipe = c.emitted.model.recipe;
  recipe = recipeJson(inputsOf(tpu), outputsOf(tpu));
  recipe["operations"] = operationsOf(c.network);
  recipe["tensors"] = c.emitted.tensors; // where --dump_all_tensors finds inner ones
  recipe["origins"] = c.emitted.ids;     // what profile, debug and trace call commands
  return c;
}

void addOnnxNodes(emit::Emitted &emitted, ir::Module &top) {
  std::map<int64_t, std::vector<int64_t>> nodes;
  top.main().walk([&](mlir::Operation *op) {
    if (int64_t id = ir::idOf(op); id >= 0)
      nodes[id] = ir::originOf(op);
  });
  for (auto &layer : emitted.ids["layers"]) {
    std::set<int64_t> all;
    for (int64_t id : layer["top"])
      all.insert(nodes[id].begin(), nodes[id].end());
    layer["onnx"] = all;
  }
  emitted.model.recipe["origins"] = emitted.ids;
}

void annotate(ir::Module &tpu, const Compiled &c) {
  auto ops = opsById(tpu);
  auto number = mlir::IntegerType::get(tpu.context(), 64);
  for (const schedule::Choice &choice : c.plan.choices) {
    if (choice.taken.cut.empty()) // runs nothing
      continue;
    for (int32_t l = choice.first; l <= choice.last; ++l) {
      mlir::Operation *op = ops[c.network.layers[size_t(l)].id];
      op->setAttr("layer_group", mlir::IntegerAttr::get(number, &choice - c.plan.choices.data()));
      if (l == choice.first)
        op->setAttr("cut", mlir::StringAttr::get(tpu.context(), choice.taken.cut));
    }
  }
}

std::vector<schedule::Pin> annotatedPins(const ir::Module &tpu) {
  std::map<int64_t, schedule::Pin> byGroup;
  for (const auto &[id, op] : opsById(tpu)) {
    auto group = op->getAttrOfType<mlir::IntegerAttr>("layer_group");
    if (!group)
      continue;
    schedule::Pin &pin = byGroup[group.getInt()];
    std::string name = ir::nameOf(op->getResult(0));
    if (auto cut = op->getAttrOfType<mlir::StringAttr>("cut")) {
      pin.first = name;
      pin.cut = cut.str();
    }
    pin.last = name;
  }
  std::vector<schedule::Pin> pins;
  for (auto &[number, pin] : byGroup)
    pins.push_back(std::move(pin));
  return pins;
}

} // namespace tessera::driver
