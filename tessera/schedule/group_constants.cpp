#include "tessera/schedule/group_constants.h"

#include "tessera/codegen/deconv.h"
#include "tessera/codegen/depthwise.h"

namespace tessera::schedule {

using namespace codegen;

std::vector<ConvBlockLayout> convParts(const GroupPlan &p, size_t k, size_t block) {
  const GroupOp &op = p.work.ops[k];
  auto [oc0, oc1] = p.steps[k].blocks[block];
  int64_t cells = op.conv->y.kernel * op.conv->x.kernel;
  if (op.conv->depthwise)
    return {depthwiseBlockLayout(oc1 - oc0, cells, p.steps[k].bias, op.conv->filter.dtype())};
  std::vector<ConvBlockLayout> list(op.inputs.size());
  size_t last = op.inputs.size() - 1;
  auto part = [&](size_t i) {
    return convBlockLayout(oc1 - oc0, p.channels(op.inputs[i]), cells, i == last, p.steps[k].bias,
                           op.conv->filter.dtype());
  };
  list[last] = part(last);
  int64_t width = list[last].width;
  for (size_t i = 0; i < last; ++i) {
    list[i] = part(i);
    list[i].filter += width;
    width += list[i].width;
  }
  return list;
}

UpConvLayout upConvLayout(const GroupPlan &p, size_t k, size_t block) {
  const GroupOp &op = p.work.ops[k];
  auto [oc0, oc1] = p.steps[k].blocks[block];
  return UpConvLayout::of(oc1 - oc0, p.channels(op.inputs[0]), p.channels(op.inputs[1]),
                          p.steps[k].biases, op.upConv->low.dtype());
}

int64_t blockWidth(const GroupPlan &p, size_t k, size_t block) {
  if (p.work.ops[k].upConv)
    return upConvLayout(p, k, block).width;
  int64_t width = 0;
  for (const ConvBlockLayout &l : convParts(p, k, block))
    width += l.width;
  return width;
}

namespace {

/// The lanes' rows of one block of a convolution: the filters of all inputs side by side.
std::vector<uint8_t> packConv(const GroupPlan &p, size_t k, size_t block) {
  const GroupOp &op = p.work.ops[k];
  const GroupStep &step = p.steps[k];
  const ConvWork &w = *op.conv;
  auto [oc0, oc1] = step.blocks[block];
  if (w.depthwise)
    return packDepthwiseBlock(w.filter, step.bias ? &w.bias : nullptr, w.multiplier, w.rshift, oc0,
                              oc1)
        .bytes;
  int64_t rows = std::min(oc1 - oc0, chip::kLanes), width = blockWidth(p, k, block);
  std::vector<uint8_t> lanes(size_t(rows * width));
  size_t last = op.inputs.size() - 1;
  int64_t ic0 = 0, at = convParts(p, k, block)[last].width;
  auto phases = step.byPhases ? deconvCells(op.inputs[0].y, op.inputs[0].x)
                              : std::vector<std::vector<int64_t>>();
  auto put = [&](const ConvBlock &b, int64_t column) {
    for (int64_t r = 0; r < rows; ++r)
      std::copy_n(b.bytes.begin() + r * b.width, b.width, lanes.begin() + r * width + column);
    return b.width;
  };
  auto pack = [&](size_t i) {
    int64_t ic1 = ic0 + p.channels(op.inputs[i]);
    auto b = packConvBlock(w.filter, step.bias ? &w.bias : nullptr, w.multiplier, w.rshift, oc0,
                           oc1, ic0, ic1, i == last, phases);
    ic0 = ic1;
    return b;
  };
  for (size_t i = 0; i < last; ++i)
    at += put(pack(i), at);
  put(pack(last), 0);
  return lanes;
}

} // namespace

void addGroupConstants(GroupPlan &p, const AddConstant &addConstant) {
  for (size_t k = 0; k < p.steps.size(); ++k) {
    if (!p.work.ops[k].hasWeights())
      continue;
    GroupStep &step = p.steps[k];
    std::vector<uint8_t> bytes;
    for (size_t block = 0; block < step.blocks.size(); ++block) {
      auto [oc0, oc1] = step.blocks[block];
      const UpConv *u = p.work.ops[k].upConv;
      auto lanes =
          u ? packUpConv(u->low, u->skip, u->bias, u->multiplier, u->rshift, oc0, oc1, step.biases)
            : packConv(p, k, block);
      step.offset[block] =
          appendRows(bytes, lanes, std::min(oc1 - oc0, chip::kLanes), blockWidth(p, k, block));
    }
    step.constants = addConstant(std::move(bytes));
  }
}

} // namespace tessera::schedule
