// Which layers a convolution does on its result before it leaves local memory.
#include "tessera/schedule/scheduler.h"

#include "tessera/codegen/add.h"
#include "tessera/codegen/cast.h"
#include "tessera/codegen/clip.h"
#include "tessera/codegen/compare.h"
#include "tessera/codegen/div.h"
#include "tessera/codegen/leaky_relu.h"
#include "tessera/codegen/lut.h"
#include "tessera/codegen/mul.h"
#include "tessera/codegen/mul_shift.h"
#include "tessera/codegen/relu.h"
#include "tessera/codegen/sigmoid.h"
#include "tessera/codegen/sub.h"
#include "tessera/codegen/where.h"

#include <algorithm>

namespace tessera::schedule {

using namespace codegen;

void Scheduler::fuseEpilogues() {
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
    if (!isOneOf<Conv2D, Deconv>(op))
      continue;
    bool single = isOneOf<MulShift, Relu, LeakyRelu, Compare, Clip, Cast>(layer.op);
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
  }
}

std::vector<Epilogue> Scheduler::epiloguesOf(int32_t l) const {
  std::vector<Epilogue> list;
  for (size_t m = 0; m < net_.layers.size(); ++m) {
    if (fusedInto_[m] != l)
      continue;
    const Layer &layer = net_.layers[m];
    Epilogue e;
    e.output = view(layer.output);
    e.layer = int32_t(m);
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

std::optional<Elementwise> Scheduler::recipeOf(const Layer &layer) const {
  DType in = tensor(layer.inputs[0]).dtype, out = tensor(layer.output).dtype;
  if (auto *a = std::get_if<Add>(&layer.op))
    return dtypeIsFloat(out) ? addFloatRecipe(a->relu) : addRecipe(a->multiplier, a->rshift, out);
  if (std::holds_alternative<Sub>(layer.op))
    return subRecipe();
  if (std::holds_alternative<Div>(layer.op))
    return divRecipe();
  if (auto *c = std::get_if<Clip>(&layer.op))
    return clipRecipe(c->low, c->high, out);
  if (auto *m = std::get_if<Mul>(&layer.op); m && dtypeIsFloat(out))
    return mulFloatRecipe();
  if (auto *m = std::get_if<Mul>(&layer.op))
    return mulRecipe(m->multiplier, m->rshift, {in, tensor(layer.inputs[1]).dtype}, out);
  if (auto *m = std::get_if<MulShift>(&layer.op))
    return mulShiftRecipe(m->multiplier, m->rshift, in, out);
  if (auto *k = std::get_if<LeakyRelu>(&layer.op))
    return dtypeIsFloat(in) ? leakyReluFloatRecipe(k->alpha, in)
                            : leakyReluRecipe(k->multiplier, k->rshift, in);
  if (std::holds_alternative<Sigmoid>(layer.op))
    return sigmoidRecipe();
  if (auto *k = std::get_if<Lut>(&layer.op))
    return lutRecipe(k->table);
  if (std::holds_alternative<Relu>(layer.op))
    return reluRecipe(in, out);
  if (auto *q = std::get_if<Compare>(&layer.op))
    return dtypeIsFloat(in) ? compareFloatRecipe(q->less, float(q->threshold))
                            : compareRecipe(q->less, q->threshold, in);
  if (auto *p = std::get_if<ComparePair>(&layer.op))
    return comparePairRecipe(p->how);
  if (std::holds_alternative<Where>(layer.op))
    return whereRecipe();
  if (std::holds_alternative<Cast>(layer.op) && dtypeIsFloat(in) && dtypeIsFloat(out))
    return floatCastRecipe();
  if (std::holds_alternative<Cast>(layer.op))
    return in == DType::F32 ? quantizeRecipe(tensor(layer.output).scale, out)
                            : dequantizeRecipe(tensor(layer.inputs[0]).scale, in);
  return std::nullopt;
}

bool Scheduler::readElsewhere(int32_t l) const {
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

std::optional<LayerPlan> Scheduler::planFused(int32_t l) {
  if (convPlans_[size_t(l)] || std::ranges::count(fusedInto_, l) == 0)
    return std::move(convPlans_[size_t(l)]);
  for (int32_t &f : fusedInto_) // too much for local memory at once: each on its own
    if (f == l)
      f = -1;
  return planConv(*convWork(l), optionsOf(l));
}

} // namespace tessera::schedule
