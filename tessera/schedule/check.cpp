// What can be scheduled at all.
#include "tessera/schedule/scheduler.h"

#include <algorithm>
#include <fmt/format.h>

namespace tessera::schedule {

using namespace codegen;

namespace {

/// Null for layers without a window.
const Window2d *windowOf(const Layer &layer) {
  if (auto *c = std::get_if<Conv2D>(&layer.op))
    return &c->window;
  if (auto *d = std::get_if<Deconv>(&layer.op))
    return &d->window;
  if (auto *p = std::get_if<MaxPool>(&layer.op))
    return &p->window;
  if (auto *p = std::get_if<AvgPool>(&layer.op))
    return &p->window;
  return nullptr;
}

std::vector<const Tensor *> filtersOf(const Layer &layer) {
  if (auto *c = std::get_if<Conv2D>(&layer.op))
    return {&c->filter};
  if (auto *d = std::get_if<Deconv>(&layer.op))
    return {&d->filter};
  if (auto *u = std::get_if<UpConv>(&layer.op))
    return {&u->low, &u->skip};
  return {};
}

} // namespace

void Scheduler::refuse(const Layer &layer, std::string message, std::string hint) {
  errors_.add(Diagnostic{"unsupported-op",
                         fmt::format("tensor '{}' ({})", tensor(layer.output).name, layer.type),
                         std::move(message), std::move(hint)});
}

Status Scheduler::checkAll() {
  const char *integersOnly = "it has an 8-bit form only; casts to i8 or u8 around it give it one";
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
      if (in == out || (in != DType::F32 && out != DType::F32))
        refuse(layer, fmt::format("casts {} to {}", dtypeName(in), dtypeName(out)),
               "casts go between f32 and i8, u8, f16 or bf16");
      continue;
    }
    if (isOneOf<Concat, Pad, Slice, Permute, Reshape>(layer.op)) {
      for (int32_t t : layer.inputs)
        if (tensor(t).dtype != out)
          refuse(layer, fmt::format("joins {} and {}", dtypeName(tensor(t).dtype), dtypeName(out)),
                 "all its tensors need one type and scale");
      if (auto *s = std::get_if<Slice>(&layer.op))
        if (std::any_of(s->steps.begin(), s->steps.end(), [](int64_t v) { return v < 1; }))
          refuse(layer, "steps backwards", "the chip moves data with positive strides only");
      continue;
    }
    // All of one float type, or all of 8 bits.
    bool floats = dtypeIsFloat(out) && !isOneOf<MulShift, Lut>(layer.op);
    auto fits = [&](DType t) { return floats ? t == out : isQuantized(t); };
    for (int32_t t : layer.inputs)
      if (!fits(tensor(t).dtype)) {
        refuse(layer, fmt::format("has a {} input", dtypeName(tensor(t).dtype)),
               floats ? "its tensors need one type" : integersOnly);
        ok = false;
      }
    bool noHalf = isOneOf<Sigmoid, Softmax, Compare, ComparePair, Arg, Blend, Div>(layer.op);
    if (ok && noHalf && floats && out != DType::F32) {
      refuse(layer, fmt::format("has a {} result", dtypeName(out)), "it has a form in f32 only");
      ok = false;
    }
    if (ok && !fits(out)) {
      refuse(layer, fmt::format("has a {} result", dtypeName(out)), integersOnly);
      ok = false;
    }
    for (auto *filter : filtersOf(layer))
      if (ok && dtypeIsFloat(filter->dtype()) != floats) {
        refuse(layer, fmt::format("has a {} filter", dtypeName(filter->dtype())), "");
        ok = false;
      }
    if (!ok)
      continue;
    if (std::string broken = windowProblem(layer); !broken.empty()) {
      refuse(layer, std::move(broken), "use a smaller window, or pad in an op of its own");
      continue;
    }
    if (isOneOf<MaxPool, AvgPool, LeakyRelu, Interp, Blend>(layer.op)) {
      if (in != out)
        refuse(layer, fmt::format("turns {} into {}", dtypeName(in), dtypeName(out)),
               "its input and result need one type");
    } else if (layer.inputs.size() > 1 && recipeOf(layer)) {
      for (int32_t t : layer.inputs)
        if (shape(t) != shape(layer.output)) {
          refuse(layer, "has tensors of different shapes", "resize or join them to one shape");
          break;
        }
    } else if (auto *a = std::get_if<Arg>(&layer.op)) {
      int64_t size = shape(layer.inputs[0])[size_t(a->axis)];
      if (size > 256 && !floats)
        refuse(layer, fmt::format("looks for the largest of {} values", size),
               "an axis of at most 256 has an integer form");
      else if (tensor(layer.inputs[0]).shape.size() > 4 || (!floats && out != DType::U8))
        refuse(layer, "has a result other than u8", "");
    }
  }
  return errors_.empty() ? Status{} : fail(errors_);
}

std::string Scheduler::windowProblem(const Layer &layer) const {
  const Window2d *w = windowOf(layer);
  if (!w)
    return {};
  bool transposed = std::holds_alternative<Deconv>(layer.op);
  std::string problem;
  auto in = shape(layer.inputs[0]), out = shape(layer.output);
  if (int64_t channels = std::max(in[1], out[1]); channels > chip::kMaxDim)
    problem =
        fmt::format("has {} channels, where a command takes at most {}", channels, chip::kMaxDim);
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
    if (!isOneOf<MaxPool, AvgPool>(layer.op)) // whose results can be made one by one
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

std::string Scheduler::tooLarge(const Layer &layer) const {
  std::string window;
  const Window2d *w = windowOf(layer);
  if (w)
    window = fmt::format("kernel {}x{}, strides {}x{}, dilations {}x{}, pads {},{},{},{}: ",
                         w->kernel[0], w->kernel[1], w->strides[0], w->strides[1], w->dilations[0],
                         w->dilations[1], w->pads[0], w->pads[1], w->pads[2], w->pads[3]);
  return window +
         "no slice of it fits local memory within the limits of the command (strides, pads "
         "and dilations up to 15; a transposed convolution pads dilation * (kernel - 1) - pad)";
}

} // namespace tessera::schedule
