#include "tessera/schedule/schedule.h"

#include "tessera/codegen/add.h"
#include "tessera/codegen/arg.h"
#include "tessera/codegen/cast.h"
#include "tessera/codegen/compare.h"
#include "tessera/codegen/leaky_relu.h"
#include "tessera/codegen/mul_shift.h"
#include "tessera/codegen/relu.h"
#include "tessera/schedule/pipeline.h"
#include "tessera/schedule/plan_ops.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <map>
#include <set>

namespace tessera::schedule {
namespace {

using namespace codegen;

bool isQuantized(DType t) { return t == DType::I8 || t == DType::U8; }

/// How a value is stored by `type`: integers as they are, floats as their bits.
uint32_t storedBits(double value, DType type) {
  return type == DType::F32 ? std::bit_cast<uint32_t>(float(value))
                            : uint32_t(int64_t(value)) & 0xFF;
}

class Scheduler {
public:
  Scheduler(const Network &network, const Options &options) : net_(network), options_(options) {
    out_.name = network.name;
  }

  Result<Schedule> run() {
    TESSERA_TRY(checkAll());
    placeTensors();
    fuseEpilogues();
    std::vector<LayerPlan> plans;
    for (size_t l = 0; l < net_.layers.size(); ++l) {
      const Layer &layer = net_.layers[l];
      LayerPlan plan;
      if (auto made = planLayer(int32_t(l)))
        plan = std::move(*made);
      plan.layer = int32_t(l);
      if (fusedInto_[l] >= 0)
        plan.cut = "done by layer " + std::to_string(fusedInto_[l]);
      if (plan.materialize)
        plan.materialize([&](std::vector<uint8_t> bytes) {
          uint64_t size = bytes.size();
          return addBuffer("weights of " + net_.tensors[size_t(layer.output)].name, size,
                           std::move(bytes));
        });
      const NetTensor &t = net_.tensors[size_t(layer.output)];
      out_.layers.push_back(
          {t.name, layer.type, layer.id, int64_t(plan.slices.size()), plan.cut, 0});
      plans.push_back(std::move(plan));
    }
    if (!errors_.empty())
      return fail(errors_);
    auto piped = pipeline(plans, options_);
    out_.program = std::move(piped.program);
    for (size_t l = 0; l < plans.size(); ++l)
      out_.layers[l].relayouts = piped.relayouts[l];
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

private:
  const NetTensor &tensor(int32_t t) const { return net_.tensors[size_t(t)]; }
  std::array<int64_t, 4> shape(int32_t t) const { return shape4(tensor(t).shape); }
  const View &view(int32_t t) const { return views_[size_t(t)]; }

  void refuse(const Layer &layer, std::string message, std::string hint) {
    errors_.add(Diagnostic{"unsupported-op",
                           fmt::format("tensor '{}' ({})", tensor(layer.output).name, layer.type),
                           std::move(message), std::move(hint)});
  }

  // --- what can be scheduled at all ------------------------------------------------------------

  Status checkAll() {
    const char *float32 =
        "the chip's integer streams hold i8 and u8 tensors; f32 only at Cast, Concat, "
        "Pad, Slice and Reshape";
    for (const Layer &layer : net_.layers) {
      if (auto *u = std::get_if<Unsupported>(&layer.op)) {
        refuse(layer, u->reason, u->hint);
        continue;
      }
      bool ok = true;
      for (int32_t t : layer.inputs)
        ok = ok && tensor(t).shape.size() <= 4;
      if (!ok || tensor(layer.output).shape.size() > 4) {
        refuse(layer,
               fmt::format("has a tensor of more than four axes ({})",
                           shapeText(tensor(layer.output).shape)),
               "reshape to four axes before and after it in the model");
        continue;
      }
      DType out = tensor(layer.output).dtype, in = tensor(layer.inputs.at(0)).dtype;
      if (std::holds_alternative<Cast>(layer.op)) {
        if (isQuantized(in) == isQuantized(out) || (in != DType::F32 && out != DType::F32))
          refuse(layer, fmt::format("casts {} to {}", dtypeName(in), dtypeName(out)),
                 "casts go between f32 and i8 or u8");
        continue;
      }
      if (std::holds_alternative<Concat>(layer.op) || std::holds_alternative<Pad>(layer.op) ||
          std::holds_alternative<Slice>(layer.op) || std::holds_alternative<Reshape>(layer.op)) {
        for (int32_t t : layer.inputs)
          if (tensor(t).dtype != out)
            refuse(layer,
                   fmt::format("joins {} and {}", dtypeName(tensor(t).dtype), dtypeName(out)),
                   "all its tensors need one type and scale");
        if (auto *s = std::get_if<Slice>(&layer.op))
          if (std::any_of(s->steps.begin(), s->steps.end(), [](int64_t v) { return v < 1; }))
            refuse(layer, "steps backwards", "the chip moves data with positive strides only");
        continue;
      }
      for (int32_t t : layer.inputs)
        if (!isQuantized(tensor(t).dtype)) {
          refuse(layer, fmt::format("has a {} input", dtypeName(tensor(t).dtype)), float32);
          ok = false;
        }
      if (ok && !isQuantized(out)) {
        refuse(layer, fmt::format("has a {} result", dtypeName(out)), float32);
        ok = false;
      }
      if (!ok)
        continue;
      if (std::string broken = windowProblem(layer); !broken.empty()) {
        refuse(layer, std::move(broken), "use a smaller window, or pad in an op of its own");
        continue;
      }
      if (std::holds_alternative<MaxPool>(layer.op) ||
          std::holds_alternative<LeakyRelu>(layer.op) || std::holds_alternative<Interp>(layer.op)) {
        if (in != out)
          refuse(layer, fmt::format("turns {} into {}", dtypeName(in), dtypeName(out)),
                 "its input and result need one type");
      } else if (std::holds_alternative<Add>(layer.op)) {
        for (int32_t t : layer.inputs)
          if (shape(t) != shape(layer.output)) {
            refuse(layer, "adds tensors of different shapes",
                   "broadcasting has no integer form yet");
            break;
          }
      } else if (auto *a = std::get_if<Arg>(&layer.op)) {
        int64_t size = shape(layer.inputs[0])[size_t(a->axis)];
        if (size != 2)
          refuse(layer, fmt::format("looks for the largest of {} values", size),
                 "an axis of two has an integer form");
        else if (tensor(layer.inputs[0]).shape.size() > 4 || out != DType::U8)
          refuse(layer, "has a result other than u8", "");
      }
    }
    return errors_.empty() ? Status{} : fail(errors_);
  }

  /// What the fields of the command cannot say about a layer's window; empty if nothing.
  std::string windowProblem(const Layer &layer) const {
    const Window2d *w = nullptr;
    bool transposed = false;
    if (auto *c = std::get_if<Conv2D>(&layer.op)) {
      w = &c->window;
    } else if (auto *d = std::get_if<Deconv>(&layer.op)) {
      w = &d->window;
      transposed = true;
    } else if (auto *p = std::get_if<MaxPool>(&layer.op)) {
      w = &p->window;
    }
    if (!w)
      return {};
    std::string problem;
    auto in = shape(layer.inputs[0]), out = shape(layer.output);
    for (int a = 0; a < 2; ++a) {
      const char *axis = a == 0 ? "height" : "width";
      WindowAxis v = transposed
                         ? WindowAxis::transposed(*w, a, in[size_t(2 + a)], out[size_t(2 + a)])
                         : WindowAxis::convolution(*w, a, in[size_t(2 + a)], out[size_t(2 + a)]);
      auto note = [&](const std::string &what, int64_t value, int64_t limit) {
        if (value > limit)
          problem += fmt::format("{}{} {} along the {}, where the command takes at most {}",
                                 problem.empty() ? "has " : "; ", what, value, axis, limit);
      };
      note("stride", v.stride, chip::kMaxWindowStride);
      note("dilation", v.dilation, chip::kMaxDilation);
      note("stride", v.insert + 1, chip::kMaxConvInsert + 1);
      auto whole = sliceAxis(v, 0, v.out);
      if (!whole) {
        problem += fmt::format("{}no window along the {} that meets the input",
                               problem.empty() ? "has " : "; ", axis);
        continue;
      }
      note(transposed ? "padding of dilation * (kernel - 1) - pad =" : "padding", whole->padBefore,
           chip::kMaxPad);
      note(transposed ? "padding behind the inserted zeros" : "padding", whole->padAfter,
           chip::kMaxPad);
    }
    return problem;
  }

  // --- where tensors live ----------------------------------------------------------------------

  int32_t addBuffer(std::string name, uint64_t bytes, std::vector<uint8_t> data = {}) {
    Buffer b;
    b.name = std::move(name);
    b.bytes = bytes;
    b.constant = !data.empty();
    b.data = std::move(data);
    b.firstLayer = int32_t(net_.layers.size());
    b.lastLayer = -1;
    out_.buffers.push_back(std::move(b));
    return int32_t(out_.buffers.size()) - 1;
  }
  void touch(const View &v, int32_t layer) {
    Buffer &b = out_.buffers[size_t(v.buffer)];
    b.firstLayer = std::min(b.firstLayer, layer);
    b.lastLayer = std::max(b.lastLayer, layer);
  }
  View ownBuffer(int32_t t) {
    auto s = shape(t);
    int64_t bytes = elementCount(tensor(t).shape) * dtypeSize(tensor(t).dtype);
    return View::dense(addBuffer(tensor(t).name, uint64_t(bytes)), 0, s, tensor(t).dtype);
  }

  /// Part of a Concat's result that input i fills; of a Pad's result the part that its input fills.
  View insideOf(const Layer &layer, size_t i) const {
    const View &whole = view(layer.output);
    std::array<int64_t, 4> begin{0, 0, 0, 0};
    if (auto *c = std::get_if<Concat>(&layer.op)) {
      for (size_t k = 0; k < i; ++k)
        begin[size_t(c->axis)] += shape(layer.inputs[k])[size_t(c->axis)];
      return whole.part(begin, shape(layer.inputs[i]));
    }
    auto &pad = std::get<Pad>(layer.op);
    size_t rank = pad.paddings.size() / 2;
    auto size = shape(layer.inputs[0]);
    for (size_t a = 0; a < rank; ++a) {
      begin[a] = std::max<int64_t>(pad.paddings[a], 0);
      size[a] +=
          std::min<int64_t>(pad.paddings[a], 0) + std::min<int64_t>(pad.paddings[a + rank], 0);
    }
    return whole.part(begin, size);
  }

  void placeTensors() {
    views_.assign(net_.tensors.size(), {});
    aliased_.assign(net_.tensors.size(), -1);
    std::vector<int32_t> producer(net_.tensors.size(), -1);
    for (size_t l = 0; l < net_.layers.size(); ++l)
      producer[size_t(net_.layers[l].output)] = int32_t(l);
    std::vector<bool> port(net_.tensors.size(), false);
    for (auto *list : {&net_.inputs, &net_.outputs})
      for (int32_t t : *list)
        port[size_t(t)] = true;
    auto isView = [&](int32_t t) { // shares its producer's input memory
      if (producer[size_t(t)] < 0)
        return false;
      const Op &op = net_.layers[size_t(producer[size_t(t)])].op;
      return std::holds_alternative<Slice>(op) || std::holds_alternative<Reshape>(op);
    };
    // Where a Concat or Pad consumes a tensor, its producer writes straight into the result.
    for (size_t l = net_.layers.size(); l-- > 0;) {
      const Layer &layer = net_.layers[l];
      int32_t o = layer.output;
      if (views_[size_t(o)].buffer < 0 && !(isView(o) && !port[size_t(o)]))
        views_[size_t(o)] = ownBuffer(o);
      bool concat = std::holds_alternative<Concat>(layer.op),
           padding = std::holds_alternative<Pad>(layer.op);
      if (!concat && !padding)
        continue;
      if (padding)
        for (int64_t p : std::get<Pad>(layer.op).paddings)
          padding = padding && p >= 0; // a crop would cut what the producer writes
      if (!concat && !padding)
        continue;
      if (views_[size_t(o)].buffer < 0)
        continue;
      for (size_t i = 0; i < layer.inputs.size(); ++i) {
        int32_t t = layer.inputs[i];
        if (views_[size_t(t)].buffer >= 0 || port[size_t(t)] || producer[size_t(t)] < 0 ||
            isView(t))
          continue;
        views_[size_t(t)] = insideOf(layer, i);
        aliased_[size_t(t)] = int32_t(l);
        aliasIndex_[t] = i;
      }
    }
    for (int32_t t : net_.inputs)
      if (views_[size_t(t)].buffer < 0)
        views_[size_t(t)] = ownBuffer(t);
    // Slices and reshapes see their input's memory where that needs no move.
    for (const Layer &layer : net_.layers) {
      int32_t o = layer.output;
      if (views_[size_t(o)].buffer >= 0)
        continue;
      const View &in = view(layer.inputs[0]);
      if (auto *s = std::get_if<Slice>(&layer.op)) {
        std::array<int64_t, 4> begin{0, 0, 0, 0}, step{1, 1, 1, 1};
        std::copy(s->offset.begin(), s->offset.end(), begin.begin());
        std::copy(s->steps.begin(), s->steps.end(), step.begin());
        views_[size_t(o)] = in.part(begin, shape(o), step);
        shared_.insert(o);
      } else if (in.isDense()) {
        views_[size_t(o)] = View::dense(in.buffer, in.offset, shape(o), in.dtype);
        shared_.insert(o);
      } else {
        views_[size_t(o)] = ownBuffer(o);
      }
    }
    for (size_t l = 0; l < net_.layers.size(); ++l) {
      touch(view(net_.layers[l].output), int32_t(l));
      for (int32_t t : net_.layers[l].inputs)
        touch(view(t), int32_t(l));
    }
    // Ports keep their memory: a caller may fill an input once and run often.
    for (auto *list : {&net_.inputs, &net_.outputs})
      for (int32_t t : *list) {
        touch(view(t), 0);
        touch(view(t), std::max<int32_t>(int32_t(net_.layers.size()) - 1, 0));
      }
  }

  /// Which layers run on a convolution's result before it leaves local memory: element-wise ops of
  /// one input, and max pools whose windows tile it.
  void fuseEpilogues() {
    fusedInto_.assign(net_.layers.size(), -1);
    std::vector<int32_t> producer(net_.tensors.size(), -1);
    for (size_t l = 0; l < net_.layers.size(); ++l)
      producer[size_t(net_.layers[l].output)] = int32_t(l);
    for (size_t l = 0; l < net_.layers.size(); ++l) {
      const Layer &layer = net_.layers[l];
      int32_t from = producer[size_t(layer.inputs[0])];
      if (from < 0)
        continue;
      const Op &op = net_.layers[size_t(from)].op;
      if (!std::holds_alternative<Conv2D>(op) && !std::holds_alternative<Deconv>(op))
        continue;
      bool single =
          std::holds_alternative<MulShift>(layer.op) || std::holds_alternative<Relu>(layer.op) ||
          std::holds_alternative<LeakyRelu>(layer.op) ||
          std::holds_alternative<Compare>(layer.op) || std::holds_alternative<Cast>(layer.op);
      if (auto *p = std::get_if<MaxPool>(&layer.op)) {
        const Window2d &w = p->window;
        single = w.kernel == w.strides && w.pads == std::array<int64_t, 4>{0, 0, 0, 0} &&
                 w.dilations == std::array<int64_t, 2>{1, 1} && w.strides[0] <= 4 &&
                 w.strides[1] <= 4;
        for (int a = 0; a < 2; ++a) // ceil mode hangs over the edge
          single = single && shape(layer.output)[size_t(2 + a)] * w.strides[size_t(a)] <=
                                 shape(layer.inputs[0])[size_t(2 + a)];
      }
      if (!single)
        continue;
      fusedInto_[l] = from;
      touch(view(layer.output), from);
    }
  }
  std::vector<Epilogue> epiloguesOf(int32_t l) {
    std::vector<Epilogue> list;
    for (size_t m = 0; m < net_.layers.size(); ++m) {
      if (fusedInto_[m] != l)
        continue;
      const Layer &layer = net_.layers[m];
      Epilogue e;
      e.output = view(layer.output);
      e.recipe = recipeOf(layer);
      if (auto *p = std::get_if<MaxPool>(&layer.op)) {
        auto in = shape(layer.inputs[0]);
        e.poolY = WindowAxis::convolution(p->window, 0, in[2], e.output.shape[2]);
        e.poolX = WindowAxis::convolution(p->window, 1, in[3], e.output.shape[3]);
        e.relu = p->relu;
      }
      list.push_back(std::move(e));
    }
    return list;
  }
  /// The recipe of an element-wise layer of one input; none for other layers.
  std::optional<Elementwise> recipeOf(const Layer &layer) const {
    DType in = tensor(layer.inputs[0]).dtype, out = tensor(layer.output).dtype;
    if (auto *m = std::get_if<MulShift>(&layer.op))
      return mulShiftRecipe(m->multiplier, m->rshift, in, out);
    if (auto *k = std::get_if<LeakyRelu>(&layer.op))
      return leakyReluRecipe(k->multiplier, k->rshift, in);
    if (std::holds_alternative<Relu>(layer.op))
      return reluRecipe(in, out);
    if (auto *q = std::get_if<Compare>(&layer.op))
      return compareRecipe(q->less, q->threshold, in);
    if (std::holds_alternative<Cast>(layer.op))
      return in == DType::F32 ? quantizeRecipe(tensor(layer.output).scale, out)
                              : dequantizeRecipe(tensor(layer.inputs[0]).scale, in);
    return std::nullopt;
  }
  /// Whether somebody but the fused layers reads a layer's result.
  bool readElsewhere(int32_t l) const {
    int32_t t = net_.layers[size_t(l)].output;
    if (std::find(net_.outputs.begin(), net_.outputs.end(), t) != net_.outputs.end())
      return true;
    bool any = false, fused = false;
    for (size_t m = 0; m < net_.layers.size(); ++m)
      for (int32_t input : net_.layers[m].inputs)
        if (input == t)
          (fusedInto_[m] == l ? fused : any) = true;
    return any || !fused;
  }
  std::optional<LayerPlan> planFused(int32_t l, ConvWork w) {
    w.epilogues = epiloguesOf(l);
    w.storeResult = readElsewhere(l);
    if (w.epilogues.empty())
      return planConv(w, options_);
    if (auto plan = planConv(w, options_))
      return plan;
    for (int32_t &f : fusedInto_) // too much for local memory at once: each on its own
      if (f == l)
        f = -1;
    w.epilogues.clear();
    w.storeResult = true;
    return planConv(w, options_);
  }

  // --- one layer -------------------------------------------------------------------------------

  std::optional<LayerPlan> planLayer(int32_t l) {
    const Layer &layer = net_.layers[size_t(l)];
    if (fusedInto_[size_t(l)] >= 0)
      return LayerPlan{};
    int32_t o = layer.output;
    const View &out = view(o), &in = view(layer.inputs[0]);
    DType outType = tensor(o).dtype;
    std::optional<LayerPlan> plan;
    auto elementwise = [&](std::optional<Elementwise> recipe) {
      ElementwiseWork w{{}, out, std::move(recipe)};
      for (int32_t t : layer.inputs)
        w.inputs.push_back(view(t));
      return planElementwise(w, options_);
    };
    if (auto *c = std::get_if<Conv2D>(&layer.op)) {
      ConvWork w{in,
                 out,
                 expandGroups(c->filter, c->group),
                 c->bias,
                 c->multiplier,
                 c->rshift,
                 c->padValue,
                 WindowAxis::convolution(c->window, 0, in.shape[2], out.shape[2]),
                 WindowAxis::convolution(c->window, 1, in.shape[3], out.shape[3])};
      plan = planFused(l, std::move(w));
    } else if (auto *d = std::get_if<Deconv>(&layer.op)) {
      ConvWork w{in,
                 out,
                 expandGroups(d->filter, d->group),
                 d->bias,
                 d->multiplier,
                 d->rshift,
                 {},
                 WindowAxis::transposed(d->window, 0, in.shape[2], out.shape[2]),
                 WindowAxis::transposed(d->window, 1, in.shape[3], out.shape[3]),
                 true};
      plan = planFused(l, std::move(w));
    } else if (auto *p = std::get_if<MaxPool>(&layer.op)) {
      PoolWork w{in, out, WindowAxis::convolution(p->window, 0, in.shape[2], out.shape[2]),
                 WindowAxis::convolution(p->window, 1, in.shape[3], out.shape[3]), p->relu};
      plan = planMaxPool(w, options_);
    } else if (auto *a = std::get_if<Add>(&layer.op)) {
      plan = elementwise(addRecipe(a->multiplier, a->rshift, outType));
    } else if (auto recipe = recipeOf(layer)) {
      plan = elementwise(std::move(recipe));
    } else if (auto *g = std::get_if<Arg>(&layer.op)) {
      ElementwiseWork w{{}, out, argOfTwoRecipe(g->smallest, g->lastIndex)};
      auto size = in.shape;
      size[size_t(g->axis)] = 1;
      for (int64_t i = 0; i < 2; ++i) {
        std::array<int64_t, 4> begin{0, 0, 0, 0};
        begin[size_t(g->axis)] = i;
        w.inputs.push_back(in.part(begin, size));
      }
      // The result may have lost the axis: the same elements in the same order.
      TESSERA_CHECK(out.isDense() || out.shape == size, "ArgMax into a part of another tensor");
      if (out.shape != size)
        w.output = View::dense(out.buffer, out.offset, size, out.dtype);
      plan = planElementwise(w, options_);
    } else if (auto *i = std::get_if<Interp>(&layer.op)) {
      plan = planInterp({in, out, i->rows, i->columns}, options_);
    } else if (std::holds_alternative<Concat>(layer.op)) {
      return planConcat(l);
    } else if (std::holds_alternative<Pad>(layer.op)) {
      return planPad(l);
    } else {
      if (shared_.count(o))
        return LayerPlan{};
      plan = planMove(layer, in, out);
    }
    if (!plan)
      refuse(layer, tooLarge(layer), "split the op in the model, or use a smaller window");
    return plan;
  }

  std::string tooLarge(const Layer &layer) const {
    std::string window;
    const Window2d *w = nullptr;
    if (auto *c = std::get_if<Conv2D>(&layer.op))
      w = &c->window;
    else if (auto *d = std::get_if<Deconv>(&layer.op))
      w = &d->window;
    else if (auto *p = std::get_if<MaxPool>(&layer.op))
      w = &p->window;
    if (w)
      window = fmt::format(
          "kernel {}x{}, strides {}x{}, dilations {}x{}, pads {},{},{},{}: ", w->kernel[0],
          w->kernel[1], w->strides[0], w->strides[1], w->dilations[0], w->dilations[1], w->pads[0],
          w->pads[1], w->pads[2], w->pads[3]);
    return window +
           "no slice of it fits local memory within the limits of the command (strides, pads "
           "and dilations up to 15; a transposed convolution pads dilation * (kernel - 1) - pad)";
  }

  // A copy of `in` to `out`, whose shapes may differ but not the element order (both dense then).
  std::optional<LayerPlan> planMove(const Layer &layer, const View &in, const View &out) {
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

  std::optional<LayerPlan> planConcat(int32_t l) {
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

  std::optional<LayerPlan> planPad(int32_t l) {
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
  void addFills(Instructions &list, const View &v, uint32_t value) {
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

  /// Slots of appended plans with equal roles become one slot, so that the parts share local
  /// memory.
  static LayerPlan joinSlots(LayerPlan plan) {
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

  // --- global addresses ------------------------------------------------------------------------

  void listStored() {
    std::vector<std::vector<size_t>> stores(out_.buffers.size()); // by buffer, program order
    for (size_t k = 0; k < out_.program.size(); ++k)
      if (int32_t b = out_.program[k].destination.buffer; b >= 0)
        stores[size_t(b)].push_back(k);
    for (const Layer &layer : net_.layers) {
      const NetTensor &t = tensor(layer.output);
      const View &v = view(layer.output);
      if (!v.isDense())
        continue;
      const auto &list = stores[size_t(v.buffer)];
      auto last = std::find_if(list.rbegin(), list.rend(), [&](size_t k) {
        return out_.program[k].destination.mayOverlap(v.box());
      });
      if (last != list.rend())
        out_.stored.push_back({t.name, t.shape, t.dtype, t.scale, v.buffer, v.offset, *last});
    }
  }

  Status assignAddresses() {
    uint64_t at = chip::kGlobalBase;
    auto align = [](uint64_t x) { return uint64_t(chip::alignUp(int64_t(x), chip::kGlobalAlign)); };
    for (Buffer &b : out_.buffers)
      if (b.constant) {
        b.address = at;
        at = align(at + b.bytes);
      }
    out_.coefficientBytes = at - chip::kGlobalBase;
    out_.neuronAddress = at;
    // First fit, large ones first: between buffers that live at the same time nothing overlaps.
    std::vector<Buffer *> order;
    for (Buffer &b : out_.buffers)
      if (!b.constant)
        order.push_back(&b);
    std::stable_sort(order.begin(), order.end(),
                     [](const Buffer *a, const Buffer *b) { return a->bytes > b->bytes; });
    std::vector<Buffer *> placed;
    uint64_t end = out_.neuronAddress;
    for (Buffer *b : order) {
      uint64_t where = out_.neuronAddress;
      std::sort(placed.begin(), placed.end(),
                [](const Buffer *a, const Buffer *c) { return a->address < c->address; });
      for (const Buffer *p : placed) {
        if (p->lastLayer < b->firstLayer || b->lastLayer < p->firstLayer)
          continue;
        if (where + b->bytes <= p->address)
          break;
        where = std::max(where, align(p->address + p->bytes));
      }
      b->address = where;
      end = std::max(end, align(where + b->bytes));
      placed.push_back(b);
    }
    out_.neuronBytes = end - out_.neuronAddress;
    if (end > chip::kGlobalEnd)
      return fail("out-of-memory", net_.name,
                  fmt::format("needs {} bytes of the chip's memory, which has {}",
                              end - chip::kGlobalBase, chip::kGlobalEnd - chip::kGlobalBase),
                  "use a smaller input");
    return {};
  }

  const Network &net_;
  const Options &options_;
  Schedule out_;
  Error errors_;
  std::vector<View> views_;        ///< by tensor
  std::vector<int32_t> fusedInto_; ///< by layer: the convolution that does it, or -1
  std::vector<int32_t> aliased_;   ///< by tensor: the Concat or Pad whose result holds it, or -1
  std::map<int32_t, size_t> aliasIndex_;
  std::set<int32_t> shared_; ///< results that see their input's memory
};

} // namespace

Result<Schedule> schedule(const Network &network, const Options &options) {
  return Scheduler(network, options).run();
}

std::string Schedule::text() const {
  std::string s =
      fmt::format("network {}: {} commands, {} bytes of constants, {} bytes of tensors\n", name,
                  program.size(), coefficientBytes, neuronBytes);
  for (size_t l = 0; l < layers.size(); ++l) {
    const LayerReport &r = layers[l];
    s += fmt::format("layer {} {} '{}' id {}: {} slices, {}{}\n", l, r.type, r.name, r.id, r.slices,
                     r.cut.empty() ? "no commands" : r.cut,
                     r.relayouts ? fmt::format(", placed afresh {} times", r.relayouts) : "");
  }
  for (const Buffer &b : buffers)
    s += fmt::format("buffer {:#x} + {} '{}'{}\n", b.address, b.bytes, b.name,
                     b.constant ? ", constant"
                                : fmt::format(", layers {} to {}", b.firstLayer, b.lastLayer));
  return s;
}

} // namespace tessera::schedule
