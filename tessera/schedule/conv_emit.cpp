#include "tessera/schedule/conv_emit.h"

#include "tessera/codegen/arith.h"
#include "tessera/codegen/deconv.h"
#include "tessera/codegen/pool2d.h"

namespace tessera::schedule {

using namespace codegen;

namespace {

int64_t count(const Range &r) { return r.second - r.first; }

LocalTensor inputTensor(const ConvPlan &p, const ConvPlace &at, const Addresses &a) {
  return {a[size_t(p.input)], p.work.input.dtype, count(p.ic[at.i]), p.rows[at.row].inputs(),
          p.columns[at.column].inputs()};
}
LocalTensor resultTensor(const ConvPlan &p, const ConvPlace &at, const Addresses &a, DType type,
                         int slot) {
  return {a[size_t(slot)], type, count(p.oc[at.o]), p.rows[at.row].outputs(),
          p.columns[at.column].outputs()};
}

// The part of a pooled axis that a band's outputs make; its start is a multiple of the pool's
// stride.
std::pair<int64_t, int64_t> pooled(const WindowAxis &pool, const AxisSlice &band) {
  return {band.out0 / pool.stride, std::min(band.out1 / pool.stride, pool.out)};
}

// What epilogue e leaves of this slice; no rows or columns if the pool's last window does not fit.
LocalTensor extraTensor(const ConvPlan &p, const ConvPlace &at, const Addresses &a, size_t e) {
  const Epilogue &epilogue = p.work.epilogues[e];
  LocalTensor t = resultTensor(p, at, a, epilogue.output.dtype, p.extra[e]);
  if (!epilogue.recipe) {
    auto [y0, y1] = pooled(epilogue.poolY, p.rows[at.row]);
    auto [x0, x1] = pooled(epilogue.poolX, p.columns[at.column]);
    t.h = y1 - y0;
    t.w = x1 - x0;
  }
  return t;
}

void runEpilogue(const ConvPlan &p, const ConvPlace &at, const Addresses &a, size_t e,
                 const LocalTensor &result, Instructions &list) {
  const Epilogue &epilogue = p.work.epilogues[e];
  LocalTensor out = extraTensor(p, at, a, e);
  struct Mark { // what follows is the epilogue's
    Instructions &list;
    size_t from;
    int32_t layer;
    ~Mark() {
      for (; from < list.size(); ++from)
        list[from].layer = layer;
    }
  } mark{list, list.size(), epilogue.layer};
  if (epilogue.recipe) {
    std::vector<LocalTensor> scratch;
    for (size_t k = 0; k < p.scratch[e].size(); ++k)
      scratch.push_back(resultTensor(p, at, a, epilogue.recipe->scratch[k], p.scratch[e][k]));
    epilogue.recipe->emit(list, {&result, 1}, scratch, out);
    return;
  }
  if (out.h < 1 || out.w < 1)
    return;
  auto inside = [](const WindowAxis &pool, int64_t outputs) {
    return AxisSlice{0, outputs, 0, outputs * pool.stride, 0, 0};
  };
  for (Instruction &i :
       maxPool(result, inside(epilogue.poolY, out.h), inside(epilogue.poolX, out.w), epilogue.poolY,
               epilogue.poolX, out, epilogue.relu))
    list.push_back(std::move(i));
}

Instructions computeByPhases(const ConvPlan &p, const ConvPlace &at, const Addresses &a,
                             const LocalTensor &result) {
  Instructions list;
  DeconvSlice s;
  s.input = inputTensor(p, at, a);
  auto band = [](const WindowAxis &axis, const AxisSlice &a) {
    return DeconvBand{axis, a.out0, a.out1, a.in0};
  };
  s.y = band(p.work.y, p.rows[at.row]);
  s.x = band(p.work.x, p.columns[at.column]);
  s.constants = a[size_t(p.weights)];
  s.layout = p.layout(at.o, at.i);
  s.slots = result.slots();
  s.weightsSigned = p.weightsSigned;
  s.plane = a[size_t(p.plane)];
  s.bias = p.bias;
  s.relu = p.work.relu;
  if (p.acc >= 0)
    s.accumulator = a[size_t(p.acc)];
  if (p.sum >= 0)
    s.sum = a[size_t(p.sum)];
  for (s.slot = 0; s.slot < s.slots; ++s.slot) {
    s.result = result.slotRange(s.slot, 1);
    for (Instruction &i : deconvByPhases(s))
      list.push_back(std::move(i));
  }
  return list;
}

// One slot of output channels at a time, so that the int32 sums of one slot are all the scratch
// there is; input channels in parts need the sums of the whole block kept.
Instructions computeWindows(const ConvPlan &p, const ConvPlace &at, const Addresses &a,
                            const LocalTensor &result) {
  Instructions list;
  LocalTensor in = inputTensor(p, at, a);
  int64_t ocSlots = result.slots();
  bool tail = p.tail(at.i), whole = p.ic.size() > 1;
  ConvBlockLayout layout = p.layout(at.o, at.i);
  LocalTensor accBlock = resultTensor(p, at, a, DType::I32, p.acc);
  LocalTensor sumBlock = p.hasSum() ? resultTensor(p, at, a, DType::I32, p.sum) : accBlock;
  for (int64_t s = 0; s < ocSlots; ++s) {
    LocalTensor acc = accBlock.slotRange(s, 1), sum = sumBlock.slotRange(s, 1);
    if (!whole)
      acc.address = accBlock.address;
    if (p.hasSum())
      sum.address = sumBlock.address;
    else
      sum = acc;
    ConvSlice c;
    c.input = in;
    c.y = p.rows[at.row];
    c.x = p.columns[at.column];
    c.axisY = p.work.y;
    c.axisX = p.work.x;
    c.rotate = p.work.rotate;
    c.weights = uint32_t(a[size_t(p.weights)] + layout.filter + s * layout.slotBytes);
    c.weightBytes = layout.slotBytes;
    c.weightsSigned = p.weightsSigned;
    c.padValue = p.padValue;
    if (p.padTable)
      c.padTable = p.padRange(at.i, a);
    c.accumulate = at.i > 0;
    c.accumulator = acc;
    auto bias = uint32_t(a[size_t(p.weights)] + layout.bias + 4 * s);
    if (p.work.depthwise) {
      c.input = in.slotRange(s, 1);
      if (p.biasInside)
        c.bias = LaneRange{bias, bias + 4};
      list.push_back(convolveDepthwise(c));
    } else {
      list.push_back(convolve(c));
    }
    if (!tail)
      continue;
    if (p.hasSum())
      list.push_back(addBias(acc, bias, sum));
    list.push_back(requantize(sum, uint32_t(a[size_t(p.weights)] + s * chip::kEuBytes),
                              result.slotRange(s, 1)));
  }
  return list;
}

Instructions computeFloats(const ConvPlan &p, const ConvPlace &at, const Addresses &a,
                           const LocalTensor &result) {
  Instructions list;
  ConvBlockLayout layout = p.layout(at.o, at.i);
  auto constants = a[size_t(p.weights)];
  LocalTensor in = inputTensor(p, at, a);
  ConvSlice c;
  c.input = in;
  c.y = p.rows[at.row];
  c.x = p.columns[at.column];
  c.axisY = p.work.y;
  c.axisX = p.work.x;
  c.rotate = p.work.rotate;
  c.weightBytes = layout.slotBytes;
  c.padValue = p.padValue;
  if (p.padTable)
    c.padTable = p.padRange(at.i, a);
  for (int64_t s = 0; s < result.slots(); ++s) {
    c.accumulator = result.slotRange(s, 1);
    c.weights = uint32_t(constants + layout.filter + s * layout.slotBytes);
    int64_t biasBytes = p.work.depthwise ? depthwiseBiasBytes(c.input.dtype) : 4;
    if (p.bias) {
      auto bias = uint32_t(constants + layout.bias + biasBytes * s);
      c.bias = LaneRange{bias, uint32_t(bias + biasBytes)};
    }
    if (p.work.depthwise) {
      c.input = in.slotRange(s, 1);
      auto pair = uint32_t(2 * dtypeSize(in.dtype));
      if (p.padTable)
        c.padTable = LaneRange{a[size_t(p.pads)] + uint32_t(s) * pair,
                               a[size_t(p.pads)] + uint32_t(s + 1) * pair};
    }
    list.push_back(p.work.depthwise ? convolveDepthwise(c) : convolve(c));
  }
  if (p.work.relu)
    list.push_back(
        arith(Arith::Max, result, tensorOperand(result), immediateOperand(0, result.dtype)));
  return list;
}

} // namespace

Instructions loadConv(const ConvPlan &p, const ConvPlace &at, const Addresses &a, int slot) {
  if (slot == p.input) {
    LocalTensor to = inputTensor(p, at, a);
    int64_t c0 = p.ic[at.i].first, y0 = p.rows[at.row].in0, x0 = p.columns[at.column].in0;
    if (p.work.unfold)
      return loadUnfolded(*p.work.unfold, at.n, c0, y0, x0, to);
    if (p.work.stack)
      return loadStacked(*p.work.stack, at.n, y0, x0,
                         View::dense(p.constants, p.padRow,
                                     {1, p.work.stack->input.shape[1], 1, p.work.input.shape[3]},
                                     p.work.input.dtype),
                         to);
    return {loadTensor(p.work.input.part({at.n, c0, y0, x0}, {1, to.c, to.h, to.w}), to)};
  }
  if (slot == p.pads) {
    return loadRows(p.constants, p.padTables[at.i], std::min(count(p.ic[at.i]), chip::kLanes),
                    p.padBytes(at.i), a[size_t(slot)]);
  }
  return loadRows(p.constants, p.blocks[at.o * p.ic.size() + at.i],
                  std::min(count(p.oc[at.o]), chip::kLanes), p.layout(at.o, at.i).width,
                  a[size_t(slot)]);
}

Instructions computeConv(const ConvPlan &p, const ConvPlace &at, const Addresses &a) {
  LocalTensor result = resultTensor(p, at, a, p.work.output.dtype, p.result);
  Instructions list = p.byPhases   ? computeByPhases(p, at, a, result)
                      : p.floats() ? computeFloats(p, at, a, result)
                                   : computeWindows(p, at, a, result);
  if (!p.tail(at.i))
    return list;
  if (!p.work.storeResult) { // nobody will store what is whole now
    LocalPart part{result,
                   {at.n, p.oc[at.o].first, p.rows[at.row].out0, p.columns[at.column].out0}};
    list.back().completes =
        p.work.stack ? unstacked(*p.work.stack, p.work.y.out, part) : std::vector{part};
  }
  for (size_t e = 0; e < p.work.epilogues.size(); ++e)
    runEpilogue(p, at, a, e, result, list);
  return list;
}

Instructions storeConv(const ConvPlan &p, const ConvPlace &at, const Addresses &a) {
  const AxisSlice &y = p.rows[at.row], &x = p.columns[at.column];
  Instructions list;
  auto add = [&](const LocalTensor &t, const View &to, int64_t y0, int64_t x0) {
    list.push_back(storeTensor(t, to.part({at.n, p.oc[at.o].first, y0, x0}, {1, t.c, t.h, t.w})));
  };
  if (p.work.storeResult)
    add(resultTensor(p, at, a, p.work.output.dtype, p.result), p.work.output, y.out0, x.out0);
  for (size_t e = 0; e < p.work.epilogues.size(); ++e) {
    const Epilogue &epilogue = p.work.epilogues[e];
    LocalTensor t = extraTensor(p, at, a, e);
    if (t.h < 1 || t.w < 1)
      continue;
    int64_t y0 = epilogue.recipe ? y.out0 : pooled(epilogue.poolY, y).first;
    int64_t x0 = epilogue.recipe ? x.out0 : pooled(epilogue.poolX, x).first;
    add(t, epilogue.output, y0, x0);
    list.back().layer = epilogue.layer;
  }
  return list;
}

void addConvConstants(ConvPlan &p, const AddConstant &addConstant) {
  std::vector<uint8_t> bytes;
  auto append = [&](const ConvBlock &b) { return appendRows(bytes, b.bytes, b.rows, b.width); };
  auto phases = p.byPhases ? deconvCells(p.work.y, p.work.x) : std::vector<std::vector<int64_t>>();
  for (size_t o = 0; o < p.oc.size(); ++o)
    for (size_t i = 0; i < p.ic.size(); ++i)
      p.blocks[o * p.ic.size() + i] = append(
          p.work.depthwise
              ? packDepthwiseBlock(p.work.filter, p.bias ? &p.work.bias : nullptr,
                                   p.work.multiplier, p.work.rshift, p.oc[o].first, p.oc[o].second)
              : packConvBlock(p.work.filter, p.bias ? &p.work.bias : nullptr, p.work.multiplier,
                              p.work.rshift, p.oc[o].first, p.oc[o].second, p.ic[i].first,
                              p.ic[i].second, p.tail(i), phases));
  if (p.padTable)
    for (size_t i = 0; i < p.ic.size(); ++i)
      p.padTables[i] =
          append(packPadTable(p.work.padValue, p.ic[i].first, p.ic[i].second, p.work.input.dtype));
  if (p.work.stack && !p.work.stack->padsAlike()) {
    Tensor row = padRow(*p.work.stack);
    p.padRow = appendRows(bytes, row.bytes(), 1, int64_t(row.bytes().size()));
  }
  p.constants = addConstant(std::move(bytes));
}

} // namespace tessera::schedule
