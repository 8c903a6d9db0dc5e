#include "reference.h"

#include "tessera/bmodel/bmodel.h"
#include "tessera/interpret/kernels/add.h"
#include "tessera/interpret/kernels/arg.h"
#include "tessera/interpret/kernels/cast.h"
#include "tessera/interpret/kernels/compare.h"
#include "tessera/interpret/kernels/concat.h"
#include "tessera/interpret/kernels/conv2d.h"
#include "tessera/interpret/kernels/cube.h"
#include "tessera/interpret/kernels/deconv.h"
#include "tessera/interpret/kernels/depthwise.h"
#include "tessera/interpret/kernels/exponential.h"
#include "tessera/interpret/kernels/interp.h"
#include "tessera/interpret/kernels/leaky_relu.h"
#include "tessera/interpret/kernels/lut.h"
#include "tessera/interpret/kernels/mul.h"
#include "tessera/interpret/kernels/mul_shift.h"
#include "tessera/interpret/kernels/pad.h"
#include "tessera/interpret/kernels/permute.h"
#include "tessera/interpret/kernels/pool2d.h"
#include "tessera/interpret/kernels/relu.h"
#include "tessera/interpret/kernels/slice.h"
#include "tessera/interpret/kernels/upconv.h"
#include "tessera/interpret/kernels/where.h"
#include "tessera/runtime/runtime.h"
#include "tessera/tensor/npz.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>

namespace tessera::conformance {

using namespace schedule;
namespace ti = tessera::interpret;

namespace {

const Tensor *orNull(const Tensor &t) { return t.empty() ? nullptr : &t; }

/// Nothing for ops that only move data.
std::optional<Tensor> evaluateFloats(const Layer &layer, const std::vector<Tensor> &in,
                                     const NetTensor &out) {
  auto conv = [&](const auto &op, auto run) {
    return run(in[0], op.filter.converted(DType::F32), orNull(op.bias), op.window, op.group,
               op.relu);
  };
  if (auto *c = std::get_if<Conv2D>(&layer.op))
    return conv(*c, [&](const Tensor &x, const Tensor &filter, const Tensor *bias, Window2d window,
                        int64_t group, bool relu) {
      if (c->padValue.empty())
        return ti::cubeConv2d(x, filter, bias, window, group, relu);
      std::vector<double> values;
      for (int32_t bits : c->padValue) {
        Tensor one(x.dtype(), {1});
        std::memcpy(one.bytes().data(), &bits, one.bytes().size());
        values.push_back(double(one.converted(DType::F32).as<float>()[0]));
      }
      Tensor padded = ti::padChannels(x, window.pads, values);
      window.pads = {0, 0, 0, 0};
      return ti::cubeConv2d(padded, filter, bias, window, group, relu);
    });
  if (auto *d = std::get_if<Deconv>(&layer.op))
    return conv(*d, ti::cubeDeconv);
  if (auto *p = std::get_if<MaxPool>(&layer.op)) {
    bool ceil = p->window.outputSize(0, in[0].dim(2)) != out.shape[2] ||
                p->window.outputSize(1, in[0].dim(3)) != out.shape[3];
    return ti::chipMaxPool(in[0], p->window, ceil, p->relu);
  }
  if (std::get_if<Relu>(&layer.op))
    return ti::chipRelu(in[0]);
  if (auto *a = std::get_if<Add>(&layer.op)) {
    Tensor sum = ti::chipArith(ti::Arith::Add, in[0], in[1]);
    return a->relu ? ti::chipRelu(sum) : sum;
  }
  if (std::get_if<Sub>(&layer.op))
    return ti::chipArith(ti::Arith::Sub, in[0], in[1]);
  if (std::get_if<Mul>(&layer.op))
    return ti::chipArith(ti::Arith::Mul, in[0], in[1]);
  if (std::get_if<Div>(&layer.op))
    return ti::chipArith(ti::Arith::Div, in[0], in[1]);
  if (auto *c = std::get_if<Clip>(&layer.op))
    return ti::chipClip(in[0], c->low, c->high);
  if (auto *p = std::get_if<AvgPool>(&layer.op)) {
    bool ceil = p->window.outputSize(0, in[0].dim(2)) != out.shape[2] ||
                p->window.outputSize(1, in[0].dim(3)) != out.shape[3];
    return ti::chipAvgPool(in[0], p->window, ceil, false);
  }
  if (std::get_if<Cast>(&layer.op))
    return ti::chipCast(in[0], out.dtype);
  if (auto *k = std::get_if<LeakyRelu>(&layer.op))
    return ti::chipLeakyRelu(in[0], k->alpha);
  if (std::get_if<Sigmoid>(&layer.op))
    return ti::chipSigmoid(in[0]);
  if (auto *c = std::get_if<Compare>(&layer.op))
    return ti::compareWith(c->less ? ti::CompareMode::Less : ti::CompareMode::Greater,
                           ti::chipFlush(in[0]), c->threshold);
  if (auto *p = std::get_if<ComparePair>(&layer.op)) {
    using enum codegen::Comparison;
    return ti::chipCompare(p->how == Greater ? ti::CompareMode::Greater
                           : p->how == Equal ? ti::CompareMode::Equal
                                             : ti::CompareMode::GreaterOrEqual,
                           in[0], in[1]);
  }
  if (std::get_if<Where>(&layer.op))
    return ti::chipWhere(in[0], in[1], in[2]);
  if (auto *a = std::get_if<Arg>(&layer.op))
    return ti::arg(ti::chipFlush(in[0]), a->axis, out.shape.size() == in[0].rank(), a->smallest,
                   a->lastIndex);
  if (auto *s = std::get_if<Softmax>(&layer.op))
    return ti::chipSoftmax(in[0], s->axis);
  if (auto *b = std::get_if<Blend>(&layer.op))
    return ti::interpChip(in[0], b->rows, b->columns);
  if (auto *u = std::get_if<UpConv>(&layer.op))
    return ti::upConvCube(in[0], in[1], u->low.converted(DType::F32), u->skip.converted(DType::F32),
                          orNull(u->bias), u->relu);
  return std::nullopt;
}

Tensor asF32(const Tensor &t, double scale) {
  return dtypeIsFloat(t.dtype()) ? t.converted(DType::F32) : ti::castFromQuant(t, scale);
}

Tensor evaluate(const Network &net, const Layer &layer, const std::vector<Tensor> &values) {
  const NetTensor &out = net.tensors[size_t(layer.output)];
  std::vector<Tensor> in;
  for (int32_t t : layer.inputs)
    in.push_back(values[size_t(t)]);
  if (dtypeIsFloat(in[0].dtype()) && dtypeIsFloat(out.dtype))
    if (auto result = evaluateFloats(layer, in, out))
      return *result;
  if (auto *c = std::get_if<Conv2D>(&layer.op))
    return ti::conv2dInt(in[0], c->filter, orNull(c->bias), c->window, c->group, c->padValue,
                         {c->multiplier, c->rshift, out.dtype});
  if (auto *d = std::get_if<Deconv>(&layer.op))
    return ti::deconvInt(in[0], d->filter, orNull(d->bias), d->window, d->group,
                         {d->multiplier, d->rshift, out.dtype});
  if (auto *u = std::get_if<UpConv>(&layer.op))
    return ti::upConvInt(in[0], in[1], u->low, u->skip, orNull(u->bias),
                         {u->multiplier, u->rshift, out.dtype});
  if (auto *p = std::get_if<MaxPool>(&layer.op)) {
    bool ceil = p->window.outputSize(0, in[0].dim(2)) != out.shape[2] ||
                p->window.outputSize(1, in[0].dim(3)) != out.shape[3];
    return ti::maxPool(in[0], p->window, ceil, p->relu);
  }
  if (auto *p = std::get_if<AvgPool>(&layer.op))
    return ti::avgPoolInt(in[0], p->window, p->multiplier, p->rshift);
  if (auto *m = std::get_if<Mul>(&layer.op))
    return ti::mulInt(in[0], in[1], m->multiplier, m->rshift, out.dtype);
  if (auto *a = std::get_if<Add>(&layer.op))
    return ti::addInt(in[0], {a->multiplier[0], a->rshift[0]}, in[1],
                      {a->multiplier[1], a->rshift[1]}, out.dtype);
  if (auto *m = std::get_if<MulShift>(&layer.op))
    return ti::mulShift(in[0], m->multiplier, m->rshift, out.dtype);
  if (auto *c = std::get_if<Concat>(&layer.op))
    return ti::concat(in, c->axis);
  if (auto *p = std::get_if<Pad>(&layer.op))
    return ti::pad(in[0], p->paddings, p->value);
  if (auto *p = std::get_if<Permute>(&layer.op))
    return ti::permute(in[0], p->order);
  if (auto *s = std::get_if<Slice>(&layer.op))
    return ti::slice(in[0], s->offset, s->steps, out.shape);
  if (auto *k = std::get_if<LeakyRelu>(&layer.op))
    return ti::leakyReluInt(in[0], k->multiplier, k->rshift);
  if (std::get_if<Relu>(&layer.op))
    return ti::reluInt(in[0], out.dtype);
  if (auto *k = std::get_if<Lut>(&layer.op))
    return ti::lut(in[0], {k->table.begin(), k->table.end()}, out.dtype);
  if (auto *c = std::get_if<Compare>(&layer.op))
    return ti::compareWith(c->less ? ti::CompareMode::Less : ti::CompareMode::Greater, in[0],
                           c->threshold);
  if (auto *a = std::get_if<Arg>(&layer.op))
    return ti::arg(in[0], a->axis, out.shape.size() == in[0].rank(), a->smallest, a->lastIndex);
  if (std::get_if<Cast>(&layer.op))
    return out.dtype == DType::F32
               ? ti::castFromQuant(in[0], net.tensors[size_t(layer.inputs[0])].scale)
               : ti::castToQuant(in[0], out.scale, out.dtype);
  if (std::get_if<Reshape>(&layer.op))
    return in[0].reshaped(out.shape);
  if (auto *i = std::get_if<Interp>(&layer.op)) {
    Tensor y(out.dtype, out.shape);
    int64_t planes = out.shape[0] * out.shape[1], ih = in[0].dim(2), iw = in[0].dim(3);
    uint8_t *to = y.bytes().data();
    auto size = size_t(dtypeSize(out.dtype));
    for (int64_t p = 0; p < planes; ++p)
      for (int64_t r : i->rows)
        for (int64_t c : i->columns)
          to = std::copy_n(in[0].bytes().data() + size_t((p * ih + r) * iw + c) * size, size, to);
    return y;
  }
  if (auto *b = std::get_if<Blend>(&layer.op))
    return ti::interpInt(in[0], b->rows, b->columns);
  TESSERA_CHECK(false, "no reference for " + layer.type);
}

} // namespace

std::vector<Tensor> interpret(const Network &net, const std::vector<Tensor> &inputs) {
  std::vector<Tensor> values(net.tensors.size());
  for (size_t i = 0; i < inputs.size(); ++i)
    values[size_t(net.inputs[i])] = inputs[i];
  for (const Layer &layer : net.layers) {
    Tensor t = evaluate(net, layer, values);
    TESSERA_CHECK(t.shape() == net.tensors[size_t(layer.output)].shape,
                  fmt::format("{} '{}': shape {} computed, {} stated", layer.type,
                              net.tensors[size_t(layer.output)].name, shapeText(t.shape()),
                              shapeText(net.tensors[size_t(layer.output)].shape)));
    values[size_t(layer.output)] = std::move(t);
  }
  return values;
}

std::vector<Tensor> randomInputs(const Network &net, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Tensor> list;
  for (int32_t i : net.inputs) {
    const NetTensor &t = net.tensors[size_t(i)];
    Tensor x(t.dtype, t.shape);
    if (t.dtype == DType::F32)
      for (float &v : x.as<float>())
        v = float(int32_t(random() % 20001) - 10000) / 10000.f * 1.1f;
    else
      for (uint8_t &v : x.bytes())
        v = uint8_t(random() >> 11);
    list.push_back(std::move(x));
  }
  return list;
}

Result<Outcome> check(const Network &net, const std::vector<Tensor> &inputs,
                      const Options &options) {
  auto values = interpret(net, inputs);
  TESSERA_ASSIGN(auto plan, schedule::schedule(net, options));
  TESSERA_ASSIGN(auto emitted, emit::emit(net, plan));
  Outcome o;
  o.scheduleText = plan.text();
  TESSERA_ASSIGN(auto streams, emit::bind(plan));
  for (auto &g : streams) {
    TESSERA_ASSIGN(auto t, cycles::timeline(g.tiu, g.gdma));
    o.commands += g.tiu.size() + g.gdma.size();
    o.timeline.totalCycles += t.totalCycles;
    o.timeline.tiuBusy += t.tiuBusy;
    o.timeline.gdmaBusy += t.gdmaBusy;
    o.timeline.gdmaBytes += t.gdmaBytes;
  }
  TensorMap feed, expected;
  for (size_t i = 0; i < inputs.size(); ++i)
    feed.set(net.tensors[size_t(net.inputs[i])].name, inputs[i]);
  for (int32_t t : net.outputs) {
    const NetTensor &n = net.tensors[size_t(t)];
    const Tensor &v = values[size_t(t)];
    expected.set(n.name, asF32(v, n.scale));
  }
  if (const char *dir = std::getenv("TESSERA_DUMP")) {
    std::filesystem::path at(dir);
    TESSERA_TRY(bmodel::write(at / (net.name + ".bmodel"), emitted.model));
    TESSERA_TRY(writeNpz(at / (net.name + "_in.npz"), feed));
    TESSERA_TRY(writeNpz(at / (net.name + "_out.npz"), expected));
  }
  emitted.model.recipe["tensors"] = emitted.tensors;
  TESSERA_ASSIGN(auto session, runtime::Session::create(std::move(emitted.model), net.name));
  TESSERA_ASSIGN(auto got, session.run(feed, {.dumpAllTensors = true}));
  // Inner tensors too, wherever they pass through global memory.
  // In the network's order, so that the first to differ is named.
  TensorMap all;
  for (const auto &t : plan.stored)
    for (size_t i = 0; i < net.tensors.size(); ++i)
      if (net.tensors[i].name == t.name && !all.contains(t.name))
        all.set(t.name, asF32(values[i], t.scale));
  for (const auto &[name, want] : expected)
    all.set(name, want);
  for (const auto &[name, want] : all) {
    const Tensor *have = got.find(name);
    if (!have || have->shape() != want.shape()) {
      o.difference = fmt::format("tensor '{}' is missing or has another shape", name);
      return o;
    }
    size_t wrong = 0, first = 0;
    auto a = want.as<float>(), b = have->as<float>();
    for (size_t i = a.size(); i-- > 0;)
      if (std::memcmp(&a[i], &b[i], 4) != 0) {
        ++wrong;
        first = i;
      }
    if (wrong > 0) {
      o.difference =
          fmt::format("tensor '{}' {}: {} of {} elements differ, the first is {}: interpreter {}, "
                      "simulator {}",
                      name, shapeText(want.shape()), wrong, a.size(), first, a[first], b[first]);
      return o;
    }
  }
  return o;
}

} // namespace tessera::conformance
