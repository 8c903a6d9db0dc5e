#include "tessera/explain/explain.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace tessera::explain {
namespace {

using namespace schedule;

/// A layer below this share of the network's cycles is not worth a word.
constexpr double kShare = 0.002;

std::string percent(double part, uint64_t whole) {
  return fmt::format("{:.1f} %", whole ? 100 * part / double(whole) : 0.0);
}

/// The cube's steps take `step` channels; `cycles` is what it takes now.
void channels(const char *what, int64_t count, int64_t step, uint64_t cycles, uint64_t total,
              std::vector<std::string> &list) {
  int64_t steps = chip::ceilDiv(count, step), over = count % step;
  if (over == 0)
    return;
  if (steps == 1 && count <= step / 2)
    list.push_back(fmt::format("{} {} channels fill {} of a step's {}: more of them, up to {}, "
                               "would cost the cube nothing",
                               count, what, percent(double(count), step), step, step));
  else if (steps > 1 && over <= step / 2)
    list.push_back(fmt::format("{} {} channels take {} steps of {}: with {} the cube would take "
                               "about {:.0f} cycles less ({} of the network)",
                               count, what, steps, step, count - over,
                               double(cycles) / double(steps),
                               percent(double(cycles) / double(steps), total)));
}

/// How much smaller than the input the smallest tensor is.
int64_t reduction(const Network &net) {
  int64_t largest = 1, smallest = 0;
  for (const NetTensor &t : net.tensors)
    if (t.shape.size() == 4 && t.shape[2] > 1) {
      largest = std::max(largest, t.shape[2]);
      smallest = smallest ? std::min(smallest, t.shape[2]) : t.shape[2];
    }
  return int64_t(
      std::exp2(std::round(std::log2(double(largest) / double(smallest ? smallest : 1)))));
}

} // namespace

std::vector<std::string> advice(const Network &net, int32_t l, const std::string &cut,
                                const profile::Sum &sum, uint64_t total) {
  std::vector<std::string> list;
  const Layer &layer = net.layers[size_t(l)];
  const NetTensor &out = net.tensors[size_t(layer.output)],
                  &in = net.tensors[size_t(layer.inputs[0])];
  if (std::holds_alternative<Pad>(layer.op)) {
    int64_t unit = reduction(net);
    list.push_back(fmt::format(
        "an input whose height and width are multiples of {} would need no Pad, here and in the "
        "layers behind it",
        unit));
  }
  auto cycles = [](const profile::Sum &s) { return s.tiuCycles + s.tiuStall; };
  if (double(cycles(sum)) < kShare * double(total))
    return list;
  // Other forms of the convolution fill the steps with something else, or take none.
  bool plain = sum.cubeCycles > 0 && cut.find("unfolded") == std::string::npos &&
               cut.find("side by side") == std::string::npos;
  auto convolution = [&](int64_t ic, int64_t oc) {
    int64_t inputs = chip::cubeInputs(codegen::typeCode(in.dtype)),
            integers = chip::cubeInputs(chip::Type::Int8);
    channels("input", ic, inputs, sum.cubeCycles, total, list);
    channels("output", oc, chip::kLanes, sum.cubeCycles, total, list);
    if (int64_t steps = chip::ceilDiv(ic, inputs), fewer = chip::ceilDiv(ic, integers);
        fewer < steps)
      list.push_back(fmt::format("{} input channels take {} steps of {} in {}: in INT8 {} of {}",
                                 ic, steps, inputs, dtypeName(in.dtype), fewer, integers));
  };
  if (const auto *c = std::get_if<Conv2D>(&layer.op); c && plain) {
    convolution(c->filter.dim(1) * c->group, c->filter.dim(0));
    if (c->group > 1)
      list.push_back(fmt::format("{} groups run as one convolution with zeros between them: {} of "
                                 "the products count",
                                 c->group, percent(1, uint64_t(c->group))));
  } else if (const auto *d = std::get_if<Deconv>(&layer.op); d && plain) {
    convolution(in.shape[1], d->filter.dim(0));
  } else if (std::holds_alternative<Cast>(layer.op) && in.dtype == DType::F32 &&
             std::ranges::count(net.inputs, layer.inputs[0])) {
    list.push_back(fmt::format("the network takes F32: as 8 bits its input would be a quarter of "
                               "{} bytes",
                               elementCount(in.shape) * 4));
  } else if (std::holds_alternative<Cast>(layer.op) && out.dtype == DType::F32 &&
             std::ranges::count(net.outputs, layer.output)) {
    list.push_back(fmt::format("the network gives F32: left in 8 bits its output would be a "
                               "quarter of {} bytes",
                               elementCount(out.shape) * 4));
  }
  if (sum.tiuStall * 4 > cycles(sum))
    list.push_back(fmt::format("waits {} cycles ({} of the network) for {} bytes from memory: a "
                               "group that keeps its input, or fewer bytes, would help; more "
                               "cube would not",
                               sum.tiuStall, percent(double(sum.tiuStall), total), sum.loadBytes));
  return list;
}

} // namespace tessera::explain
