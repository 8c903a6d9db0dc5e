#include "tessera/schedule/schedule.h"

#include "tessera/codegen/arg.h"
#include "tessera/schedule/pipeline.h"
#include "tessera/schedule/scheduler.h"
#include "tessera/support/parallel.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <map>
#include <set>
#include <utility>

namespace tessera::schedule {

using namespace codegen;

Result<Schedule> Scheduler::run() {
  TESSERA_TRY(checkAll());
  placeTensors();
  fuseEpilogues();
  planConvs();
  std::vector<LayerPlan> plans;
  for (size_t l = 0; l < net_.layers.size(); ++l) {
    LayerPlan plan;
    if (auto made = planLayer(int32_t(l)))
      plan = std::move(*made);
    if (fusedInto_[l] >= 0)
      plan.cut = "done by layer " + std::to_string(fusedInto_[l]);
    plans.push_back(std::move(plan));
  }
  if (!errors_.empty())
    return fail(errors_);
  planGroups(plans);
  if (!errors_.empty())
    return fail(errors_);
  for (size_t l = 0; l < plans.size(); ++l) {
    LayerPlan &plan = plans[l];
    plan.layer = int32_t(l);
    const Layer &layer = net_.layers[l];
    const NetTensor &t = net_.tensors[size_t(layer.output)];
    if (plan.materialize)
      plan.materialize([&](std::vector<uint8_t> bytes) {
        uint64_t size = bytes.size();
        return addBuffer("weights of " + t.name, size, std::move(bytes));
      });
    out_.layers.push_back(
        {t.name, layer.type, layer.id, layer.from, int64_t(plan.slices.size()), plan.cut});
  }
  out_.program = pipeline(plans, options_);
  TESSERA_TRY(assignAddresses());
  listStored();
  for (bool input : {true, false})
    for (int32_t t : input ? net_.inputs : net_.outputs) {
      const NetTensor &tensor = net_.tensors[size_t(t)];
      const View &v = views_[size_t(t)];
      (input ? out_.inputs : out_.outputs)
          .push_back({tensor.name, tensor.shape, tensor.dtype, tensor.scale, v.buffer, v.offset});
    }
  return std::move(out_);
}

std::optional<ConvWork> Scheduler::convWork(int32_t l) const {
  const Layer &layer = net_.layers[size_t(l)];
  const View &out = view(layer.output), &in = view(layer.inputs[0]);
  auto work = [&](const auto &op, auto axis) {
    ConvWork w;
    w.input = in;
    w.output = out;
    w.depthwise = isDepthwise(op.group, in.shape[1], out.shape[1]) &&
                  std::is_same_v<decltype(op), const Conv2D &>;
    w.filter = w.depthwise ? op.filter : expandGroups(op.filter, op.group);
    w.bias = op.bias;
    w.multiplier = op.multiplier;
    w.relu = op.relu;
    w.rshift = op.rshift;
    w.y = axis(op.window, 0, in.shape[2], out.shape[2]);
    w.x = axis(op.window, 1, in.shape[3], out.shape[3]);
    return w;
  };
  if (auto *c = std::get_if<Conv2D>(&layer.op)) {
    ConvWork w = work(*c, WindowAxis::convolution);
    w.padValue = c->padValue;
    return w;
  }
  if (auto *d = std::get_if<Deconv>(&layer.op)) {
    ConvWork w = work(*d, WindowAxis::transposed);
    w.rotate = true;
    return w;
  }
  return std::nullopt;
}

Options Scheduler::optionsOf(int32_t l) const {
  Options options = options_;
  // That a pin is kept planGroups sees to: it may ask for a group of this one layer.
  for (const Pin &pin : options_.pins)
    if (pin.first == pin.last && pin.first == tensor(net_.layers[size_t(l)].output).name)
      options.cut = pin.cut;
  return options;
}

void Scheduler::planConvs() {
  convPlans_.resize(net_.layers.size());
  parallelFor(int64_t(net_.layers.size()), 1, [&](int64_t begin, int64_t end) {
    for (auto l = int32_t(begin); l < int32_t(end); ++l) {
      const Layer &layer = net_.layers[size_t(l)];
      if (auto work = convWork(l)) {
        work->epilogues = epiloguesOf(l);
        work->storeResult = readElsewhere(l);
        convPlans_[size_t(l)] = planConv(*work, optionsOf(l));
      } else if (auto *u = std::get_if<UpConv>(&layer.op)) {
        convPlans_[size_t(l)] = planUpConv(
            {view(layer.inputs[0]), view(layer.inputs[1]), view(layer.output), *u}, optionsOf(l));
      }
    }
  });
}

std::optional<LayerPlan> Scheduler::planLayer(int32_t l) {
  const Layer &layer = net_.layers[size_t(l)];
  int32_t o = layer.output;
  if (fusedInto_[size_t(l)] >= 0 || shared_.count(o))
    return LayerPlan{};
  const View &out = view(o), &in = view(layer.inputs[0]);
  std::optional<LayerPlan> plan;
  auto elementwise = [&](std::optional<Elementwise> recipe) {
    ElementwiseWork w{{}, out, std::move(recipe)};
    for (int32_t t : layer.inputs)
      w.inputs.push_back(view(t));
    return planElementwise(w, optionsOf(l));
  };
  Options options = optionsOf(l);
  if (std::holds_alternative<Conv2D>(layer.op) || std::holds_alternative<Deconv>(layer.op)) {
    plan = planFused(l);
  } else if (std::holds_alternative<UpConv>(layer.op)) {
    plan = std::move(convPlans_[size_t(l)]);
  } else if (auto *p = std::get_if<MaxPool>(&layer.op)) {
    PoolWork w{in, out, WindowAxis::convolution(p->window, 0, in.shape[2], out.shape[2]),
               WindowAxis::convolution(p->window, 1, in.shape[3], out.shape[3]), p->relu};
    plan = planPool(w, options);
  } else if (auto *p = std::get_if<AvgPool>(&layer.op)) {
    PoolWork w{in, out, WindowAxis::convolution(p->window, 0, in.shape[2], out.shape[2]),
               WindowAxis::convolution(p->window, 1, in.shape[3], out.shape[3])};
    w.average = MulShift{p->multiplier, p->rshift};
    plan = planPool(w, options);
  } else if (auto recipe = recipeOf(layer)) {
    plan = elementwise(std::move(recipe));
  } else if (auto *g = std::get_if<Arg>(&layer.op)) {
    auto size = in.shape;
    int64_t count = std::exchange(size[size_t(g->axis)], 1);
    ElementwiseWork w{{}, out, argRecipe(count, g->smallest, g->lastIndex, in.dtype)};
    for (int64_t i = 0; i < count; ++i) {
      std::array<int64_t, 4> begin{0, 0, 0, 0};
      begin[size_t(g->axis)] = i;
      w.inputs.push_back(in.part(begin, size));
    }
    // The result may have lost the axis: the same elements in the same order.
    TESSERA_CHECK(out.isDense() || out.shape == size, "ArgMax into a part of another tensor");
    if (out.shape != size)
      w.output = View::dense(out.buffer, out.offset, size, out.dtype);
    plan = planElementwise(w, options);
  } else if (auto *x = std::get_if<Softmax>(&layer.op)) {
    plan = planSoftmax(in, out, size_t(x->axis), options);
  } else if (auto *i = std::get_if<Interp>(&layer.op)) {
    plan = planInterp({in, out, i->rows, i->columns, {}, {}}, options);
  } else if (auto *b = std::get_if<Blend>(&layer.op)) {
    plan = planInterp({in, out, {}, {}, b->rows, b->columns}, options);
  } else if (auto *p = std::get_if<Permute>(&layer.op)) {
    View from = in; // as the result sees it
    for (size_t a = 0; a < p->order.size(); ++a) {
      from.shape[a] = in.shape[size_t(p->order[a])];
      from.stride[a] = in.stride[size_t(p->order[a])];
    }
    plan = planPermute(from, out, options);
  } else if (std::holds_alternative<Concat>(layer.op)) {
    return planConcat(l);
  } else if (std::holds_alternative<Pad>(layer.op)) {
    return planPad(l);
  } else {
    plan = planMove(layer, in, out);
  }
  if (!plan)
    refuse(layer, tooLarge(layer), "split the op in the model, or use a smaller window");
  return plan;
}

Result<Schedule> schedule(const Network &network, const Options &options) {
  return Scheduler(network, options).run();
}

std::string Schedule::text() const {
  std::string s =
      fmt::format("network {}: {} commands, {} bytes of constants, {} bytes of tensors\n", name,
                  program.size(), coefficientBytes, neuronBytes);
  for (size_t l = 0; l < layers.size(); ++l) {
    const LayerReport &r = layers[l];
    s += fmt::format("layer {} {} '{}' id {}: {} slices, {}\n", l, r.type, r.name, r.id, r.slices,
                     r.cut.empty() ? "no commands" : r.cut);
  }
  for (const Buffer &b : buffers)
    if (b.constant || b.use)
      s +=
          fmt::format("buffer {:#x} + {} '{}'{}\n", b.address, b.bytes, b.name,
                      b.constant ? ", constant"
                                 : fmt::format(", commands {} to {}", b.use->first, b.use->second));
  return s;
}

} // namespace tessera::schedule
