#include "tessera/codegen/arith.h"
#include "tessera/codegen/pool2d.h"
#include "tessera/schedule/plan_ops.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <numeric>

namespace tessera::schedule {
namespace {

using namespace codegen;

/// One way to cut a convolution.
struct Cut {
  int64_t ocSlots = 1; ///< slots of 64 output channels in a block
  int64_t icSlots = 1; ///< slots of 64 input channels in a part; all of them = one part
  int64_t rowBands = 1, columnBands = 1;
  bool blocksOutside = false; ///< weights stay while the bands pass, else the other way round
};

struct Part {
  int64_t begin, end;
};
std::vector<Part> parts(int64_t channels, int64_t slots) {
  std::vector<Part> list;
  for (int64_t c = 0; c < channels; c += slots * chip::kLanes)
    list.push_back({c, std::min(c + slots * chip::kLanes, channels)});
  return list;
}

/// Everything the slices of one cut share.
struct ConvPlan {
  ConvWork work;
  std::vector<Part> oc, ic;
  std::vector<AxisSlice> rows, columns;
  bool bias = false, padTable = false, weightsSigned = true;
  /// A transposed convolution whose windows do not overlap (kernel = stride): one 1x1 convolution a
  /// kernel cell instead of one over inserted zeros, a kernel's number of cells cheaper.
  bool byCell = false;
  int plane = -1; ///< slot: one cell's requantized outputs before they are interleaved
  int32_t padValue = 0;
  // Slot numbers.
  int input = -1, weights = -1, pads = -1, acc = -1, sum = -1, result = -1;
  std::vector<int> extra;                ///< results of the epilogues
  std::vector<std::vector<int>> scratch; ///< of each epilogue's recipe
  // Constants by block: oc index * ic count + ic index; filled once the cut is chosen.
  struct Constant {
    int32_t buffer = -1;
    uint64_t offset = 0;
  };
  std::vector<Constant> blocks;
  std::vector<Constant> padTables; ///< by ic part

  int64_t cells() const { return work.y.kernel * work.x.kernel; }
  bool tail(size_t i) const { return i + 1 == ic.size(); }
  ConvBlockLayout layout(size_t o, size_t i) const {
    return convBlockLayout(oc[o].end - oc[o].begin, ic[i].end - ic[i].begin, cells(), tail(i),
                           bias);
  }
  int64_t width(size_t o, size_t i) const { return layout(o, i).width; }
};

struct Place {
  int64_t n;
  size_t row, column, o, i;
};

LocalTensor inputTensor(const ConvPlan &p, const Place &at, const Addresses &a) {
  return {a[p.input], p.work.input.dtype, p.ic[at.i].end - p.ic[at.i].begin,
          p.rows[at.row].inputs(), p.columns[at.column].inputs()};
}
LocalTensor resultTensor(const ConvPlan &p, const Place &at, const Addresses &a, DType type,
                         int slot) {
  return {a[slot], type, p.oc[at.o].end - p.oc[at.o].begin, p.rows[at.row].outputs(),
          p.columns[at.column].outputs()};
}

Instructions loadSlot(const ConvPlan &p, const Place &at, const Addresses &a, int slot) {
  if (slot == p.input) {
    const AxisSlice &y = p.rows[at.row], &x = p.columns[at.column];
    const Part &ic = p.ic[at.i];
    if (p.work.unfold)
      return loadUnfolded(*p.work.unfold, at.n, ic.begin, y.in0, x.in0, inputTensor(p, at, a));
    if (p.work.stack)
      return loadStacked(*p.work.stack, at.n, y.in0, x.in0, inputTensor(p, at, a));
    View v = p.work.input.part({at.n, ic.begin, y.in0, x.in0},
                               {1, ic.end - ic.begin, y.inputs(), x.inputs()});
    return {loadTensor(v, inputTensor(p, at, a))};
  }
  if (slot == p.pads) {
    const auto &c = p.padTables[at.i];
    int64_t channels = p.ic[at.i].end - p.ic[at.i].begin;
    return loadRows(c.buffer, c.offset, std::min(channels, chip::kLanes),
                    2 * chip::slots(0, channels), a[slot]);
  }
  const auto &c = p.blocks[at.o * p.ic.size() + at.i];
  return loadRows(c.buffer, c.offset, std::min(p.oc[at.o].end - p.oc[at.o].begin, chip::kLanes),
                  p.width(at.o, at.i), a[slot]);
}

// The part of a pooled axis that a band's outputs make; its start is a multiple of the pool's
// stride.
std::pair<int64_t, int64_t> pooled(const WindowAxis &pool, const AxisSlice &band) {
  return {band.out0 / pool.stride, std::min(band.out1 / pool.stride, pool.out)};
}

// What epilogue e leaves of this slice; no rows or columns if the pool's last window does not fit.
LocalTensor extraTensor(const ConvPlan &p, const Place &at, const Addresses &a, size_t e) {
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

void runEpilogue(const ConvPlan &p, const Place &at, const Addresses &a, size_t e,
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
  list.push_back(maxPool(result, inside(epilogue.poolY, out.h), inside(epilogue.poolX, out.w),
                         epilogue.poolY, epilogue.poolX, out));
  if (epilogue.relu && out.dtype == DType::I8)
    list.push_back(arith(Arith::Max, out, tensorOperand(out), immediateOperand(0, DType::I8)));
}

// The last command of `list` completes this slice's result; says so where nothing stores it.
void markResult(const ConvPlan &p, const Place &at, const LocalTensor &result, Instructions &list) {
  if (p.work.storeResult)
    return;
  LocalPart part{result, {at.n, p.oc[at.o].begin, p.rows[at.row].out0, p.columns[at.column].out0}};
  list.back().completes =
      p.work.stack ? unstacked(*p.work.stack, p.work.y.out, part) : std::vector<LocalPart>{part};
}

Instructions computeByCell(const ConvPlan &p, const Place &at, const Addresses &a) {
  Instructions list;
  LocalTensor in = inputTensor(p, at, a);
  LocalTensor result = resultTensor(p, at, a, p.work.output.dtype, p.result);
  int64_t slots = result.slots(), kh = p.work.y.kernel, kw = p.work.x.kernel;
  ConvBlockLayout layout = p.layout(at.o, at.i);
  int64_t cellBytes = chip::alignUp(in.c, chip::kLanes);
  for (int64_t s = 0; s < slots; ++s) {
    LocalTensor out = result.slotRange(s, 1);
    LocalTensor acc{a[p.acc], DType::I32, out.c, in.h, in.w};
    LocalTensor sum = acc, plane{a[p.plane], out.dtype, out.c, in.h, in.w};
    if (p.bias)
      sum.address = a[p.sum];
    for (int64_t cell = 0; cell < kh * kw; ++cell) {
      ConvSlice c;
      c.input = in;
      c.y = {0, in.h, 0, in.h, 0, 0};
      c.x = {0, in.w, 0, in.w, 0, 0};
      c.axisY.in = c.axisY.out = in.h;
      c.axisX.in = c.axisX.out = in.w;
      c.weights = uint32_t(a[p.weights] + layout.filter + (cell * slots + s) * cellBytes);
      c.weightBytes = cellBytes;
      c.weightsSigned = p.weightsSigned;
      c.accumulator = acc;
      list.push_back(convolve(c));
      if (p.bias)
        list.push_back(addBias(acc, uint32_t(a[p.weights] + layout.bias + 4 * s), sum));
      list.push_back(requantize(sum, uint32_t(a[p.weights] + s * chip::kEuBytes), plane));
      // Output row y * kh + (cell's row), column likewise.
      list.push_back(stridedCopy(
          out.dtype, {1, out.c, in.h, in.w}, uint32_t(out.address + cell / kw * out.w + cell % kw),
          {0, uint64_t(out.planeElements()), uint64_t(kh * out.w), uint64_t(kw)}, out.range(),
          plane.address, {0, uint64_t(plane.planeElements()), uint64_t(in.w), 1}, plane.range()));
    }
  }
  markResult(p, at, result, list);
  for (size_t e = 0; e < p.work.epilogues.size(); ++e)
    runEpilogue(p, at, a, e, result, list);
  return list;
}

Instructions compute(const ConvPlan &p, const Place &at, const Addresses &a) {
  if (p.byCell)
    return computeByCell(p, at, a);
  Instructions list;
  LocalTensor in = inputTensor(p, at, a);
  LocalTensor result = resultTensor(p, at, a, p.work.output.dtype, p.result);
  int64_t ocSlots = result.slots();
  bool tail = p.tail(at.i), whole = p.ic.size() > 1;
  ConvBlockLayout layout = p.layout(at.o, at.i);
  // One slot of output channels at a time, so that the int32 sums of one slot are all the scratch
  // there is; input channels in parts need the sums of the whole block kept.
  LocalTensor accBlock = resultTensor(p, at, a, DType::I32, p.acc);
  LocalTensor sumBlock = p.bias ? resultTensor(p, at, a, DType::I32, p.sum) : accBlock;
  for (int64_t s = 0; s < ocSlots; ++s) {
    LocalTensor acc = accBlock.slotRange(s, 1), sum = sumBlock.slotRange(s, 1);
    if (!whole)
      acc.address = accBlock.address;
    if (p.bias)
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
    c.weights = uint32_t(a[p.weights] + layout.filter + s * layout.slotBytes);
    c.weightBytes = layout.slotBytes;
    c.weightsSigned = p.weightsSigned;
    c.padValue = p.padValue;
    if (p.padTable)
      c.padTable = LaneRange{a[p.pads], uint32_t(a[p.pads] + 2 * in.slots())};
    c.accumulate = at.i > 0;
    c.accumulator = acc;
    list.push_back(convolve(c));
    if (!tail)
      continue;
    if (p.bias)
      list.push_back(addBias(acc, uint32_t(a[p.weights] + layout.bias + 4 * s), sum));
    list.push_back(
        requantize(sum, uint32_t(a[p.weights] + s * chip::kEuBytes), result.slotRange(s, 1)));
  }
  if (tail) {
    markResult(p, at, result, list);
    for (size_t e = 0; e < p.work.epilogues.size(); ++e)
      runEpilogue(p, at, a, e, result, list);
  }
  return list;
}

Instructions storeResult(const ConvPlan &p, const Place &at, const Addresses &a) {
  const Part &oc = p.oc[at.o];
  const AxisSlice &y = p.rows[at.row], &x = p.columns[at.column];
  View v = p.work.output.part({at.n, oc.begin, y.out0, x.out0},
                              {1, oc.end - oc.begin, y.outputs(), x.outputs()});
  Instructions list;
  if (p.work.storeResult)
    list.push_back(storeTensor(resultTensor(p, at, a, p.work.output.dtype, p.result), v));
  for (size_t e = 0; e < p.work.epilogues.size(); ++e) {
    const Epilogue &epilogue = p.work.epilogues[e];
    LocalTensor t = extraTensor(p, at, a, e);
    if (t.h < 1 || t.w < 1)
      continue;
    int64_t y0 = epilogue.recipe ? y.out0 : pooled(epilogue.poolY, y).first;
    int64_t x0 = epilogue.recipe ? x.out0 : pooled(epilogue.poolX, x).first;
    list.push_back(storeTensor(
        t, epilogue.output.part({at.n, oc.begin, y0, x0}, {1, oc.end - oc.begin, t.h, t.w})));
    list.back().layer = epilogue.layer;
  }
  return list;
}

// All blocks in one buffer, each on a 64-byte boundary.
void materialize(ConvPlan &p, const AddConstant &addConstant) {
  std::vector<uint8_t> bytes;
  auto append = [&](const ConvBlock &b, ConvPlan::Constant &c) {
    c.offset = bytes.size();
    auto rows = packRows(b.bytes, b.rows, b.width);
    bytes.insert(bytes.end(), rows.begin(), rows.end());
    bytes.resize(size_t(chip::alignUp(int64_t(bytes.size()), chip::kEuBytes)));
  };
  for (size_t o = 0; o < p.oc.size(); ++o)
    for (size_t i = 0; i < p.ic.size(); ++i)
      append(packConvBlock(p.work.filter, p.bias ? &p.work.bias : nullptr, p.work.multiplier,
                           p.work.rshift, p.oc[o].begin, p.oc[o].end, p.ic[i].begin, p.ic[i].end,
                           p.tail(i), p.byCell),
             p.blocks[o * p.ic.size() + i]);
  if (p.padTable)
    for (size_t i = 0; i < p.ic.size(); ++i)
      append(packPadTable(p.work.padValue, p.ic[i].begin, p.ic[i].end), p.padTables[i]);
  int32_t buffer = addConstant(std::move(bytes));
  for (auto *list : {&p.blocks, &p.padTables})
    for (auto &c : *list)
      c.buffer = buffer;
}

std::optional<LayerPlan> build(const std::shared_ptr<ConvPlan> &p, const Cut &cut,
                               const Options &options) {
  LayerPlan plan;
  auto slot = [&](SlotSpec s) {
    plan.slots.push_back(std::move(s));
    return int(plan.slots.size()) - 1;
  };
  auto most = [](const std::vector<AxisSlice> &list, auto value) {
    int64_t m = 0;
    for (const AxisSlice &s : list)
      m = std::max(m, value(s));
    return m;
  };
  int64_t ih = most(p->rows, [](auto &s) { return s.inputs(); });
  int64_t iw = most(p->columns, [](auto &s) { return s.inputs(); });
  int64_t oh = most(p->rows, [](auto &s) { return s.outputs(); });
  int64_t ow = most(p->columns, [](auto &s) { return s.outputs(); });
  int64_t icPart = p->ic[0].end - p->ic[0].begin, ocPart = p->oc[0].end - p->oc[0].begin;
  int64_t batch = p->work.output.shape[0];
  int64_t bands = batch * int64_t(p->rows.size() * p->columns.size());
  int64_t blocks = int64_t(p->oc.size() * p->ic.size());
  int64_t inputs = bands * int64_t(p->ic.size());
  int deep = options.overlap ? 2 : 1;
  bool split = p->ic.size() > 1;

  // The requantize source first: it wants to start in a bank of its own.
  int64_t sums = split ? chip::slots(0, ocPart) : 1;
  int64_t accBytes = p->byCell ? chip::alignedLaneBytes(0, 1, 1, ih, iw, 4)
                               : chip::alignedLaneBytes(0, 1, 1, oh, ow, 4);
  if (p->bias)
    p->sum = slot({"sum", accBytes, 1, false, false, true});
  p->acc = slot({"acc", accBytes * sums, 1, false, split, !p->bias});
  if (p->byCell)
    p->plane = slot({"plane", chip::alignedLaneBytes(0, 1, 1, ih, iw, 1), 1, false, false, false});
  int64_t results = bands * int64_t(p->oc.size());
  p->result = slot({"result", chip::alignedLaneBytes(0, 1, ocPart, oh, ow, 1),
                    p->work.storeResult && results > 1 ? deep : 1, false, false, false});
  p->extra.clear();
  p->scratch.clear();
  for (const Epilogue &e : p->work.epilogues) {
    p->scratch.emplace_back();
    if (e.recipe)
      for (DType t : e.recipe->scratch)
        p->scratch.back().push_back(slot(
            {fmt::format("scratch{}", plan.slots.size()),
             chip::alignedLaneBytes(0, 1, ocPart, oh, ow, dtypeSize(t)), 1, false, false, false}));
    p->extra.push_back(slot(
        {fmt::format("epilogue{}", p->extra.size()),
         chip::alignedLaneBytes(0, 1, ocPart, e.recipe ? oh : chip::ceilDiv(oh, e.poolY.stride),
                                e.recipe ? ow : chip::ceilDiv(ow, e.poolX.stride),
                                dtypeSize(e.output.dtype)),
         results > 1 ? deep : 1, false, false, false}));
  }
  p->input = slot({"input", chip::alignedLaneBytes(0, 1, icPart, ih, iw, 1), inputs > 1 ? deep : 1,
                   true, false, false});
  int64_t width = 0;
  for (size_t i = 0; i < p->ic.size(); ++i)
    width = std::max(width, p->width(0, i));
  p->weights = slot({"weights", width, blocks > 1 ? deep : 1, true, false, false});
  if (p->padTable)
    p->pads = slot({"pads", 2 * chip::slots(0, icPart), split ? deep : 1, true, false, false});
  if (plan.localBytes(options.localBytes) > options.localBytes)
    return std::nullopt;

  auto add = [&](Place at) {
    int64_t band = (at.n * int64_t(p->rows.size()) + int64_t(at.row)) * int64_t(p->columns.size()) +
                   int64_t(at.column);
    SliceWork s;
    s.inputs.push_back({p->weights, int64_t(at.o * p->ic.size() + at.i)});
    if (p->padTable)
      s.inputs.push_back({p->pads, int64_t(at.i)});
    s.inputs.push_back({p->input, band * int64_t(p->ic.size()) + int64_t(at.i)});
    if (p->bias)
      s.work.push_back({p->sum, 0});
    s.work.push_back({p->acc, 0});
    bool tail = p->tail(at.i);
    // Results alternate; parts of the input channels before the last write none but keep the slot.
    int64_t number = cut.blocksOutside ? int64_t(at.o) * bands + band
                                       : band * int64_t(p->oc.size()) + int64_t(at.o);
    s.work.push_back({p->result, number});
    if (p->byCell)
      s.work.push_back({p->plane, 0});
    for (size_t e = 0; e < p->extra.size(); ++e) {
      s.work.push_back({p->extra[e], number});
      for (int k : p->scratch[e])
        s.work.push_back({k, 0});
    }
    s.load = [p, at](const Addresses &a, int which) { return loadSlot(*p, at, a, which); };
    s.compute = [p, at](const Addresses &a) { return compute(*p, at, a); };
    if (tail)
      s.store = [p, at](const Addresses &a) { return storeResult(*p, at, a); };
    plan.slices.push_back(std::move(s));
  };
  auto eachBand = [&](auto body) {
    for (int64_t n = 0; n < batch; ++n)
      for (size_t r = 0; r < p->rows.size(); ++r)
        for (size_t c = 0; c < p->columns.size(); ++c)
          body(n, r, c);
  };
  auto eachPart = [&](int64_t n, size_t r, size_t c, size_t o) {
    for (size_t i = 0; i < p->ic.size(); ++i)
      add({n, r, c, o, i});
  };
  if (cut.blocksOutside) {
    for (size_t o = 0; o < p->oc.size(); ++o)
      eachBand([&](int64_t n, size_t r, size_t c) { eachPart(n, r, c, o); });
  } else {
    eachBand([&](int64_t n, size_t r, size_t c) {
      for (size_t o = 0; o < p->oc.size(); ++o)
        eachPart(n, r, c, o);
    });
  }
  plan.materialize = [p](const AddConstant &addConstant) { materialize(*p, addConstant); };
  plan.cut = fmt::format(
      "{} x {} bands of {} x {}, {} channel blocks of {}, {} input parts of {}{}{}", p->rows.size(),
      p->columns.size(), oh, ow, p->oc.size(), ocPart, p->ic.size(), icPart,
      p->work.unfold  ? (p->work.x.kernel > 1 ? ", kernel rows unfolded into channels"
                                              : ", window unfolded into channels")
      : p->work.stack ? fmt::format(", {} bands side by side in the lanes", p->work.stack->bands)
                      : "",
      bands > 1 && p->oc.size() > 1 ? (cut.blocksOutside ? ", blocks outside" : ", bands outside")
                                    : "");
  return plan;
}

// The best cut of the convolution as it is given.
std::optional<LayerPlan> planForm(const ConvWork &work, const Options &options) {
  int64_t oc = work.filter.dim(0), ic = work.filter.dim(1);
  for (const WindowAxis *a : {&work.y, &work.x})
    if (a->stride > chip::kMaxWindowStride || a->dilation > chip::kMaxDilation ||
        a->insert > chip::kMaxConvInsert || a->kernel > chip::kMaxDim)
      return std::nullopt;
  ConvPlan shared;
  shared.work = work;
  shared.bias = !work.bias.empty();
  shared.weightsSigned = work.filter.dtype() == DType::I8;
  if (!work.padValue.empty()) {
    bool equal = std::all_of(work.padValue.begin(), work.padValue.end(),
                             [&](int32_t v) { return v == work.padValue[0]; });
    shared.padTable = !equal;
    shared.padValue = equal ? work.padValue[0] : 0;
  }
  int64_t ocSlots = chip::slots(0, oc), icSlots = chip::slots(0, ic);

  auto tiles = [](const WindowAxis &a) {
    return a.insert + 1 == a.kernel && a.dilation == 1 && a.padBefore == a.kernel - 1 &&
           a.out == a.in * a.kernel;
  };
  bool byCell = work.rotate && tiles(work.y) && tiles(work.x) &&
                work.y.kernel * work.x.kernel > 1 &&
                work.y.kernel * work.x.out <= chip::kMaxArStride;
  PlanChoice choice(options.localBytes);
  // Buffers are not known while prices are compared; a price does not depend on them.
  auto offer = [&](const Cut &cut) {
    auto p = std::make_shared<ConvPlan>(shared);
    p->byCell = byCell;
    p->oc = parts(oc, cut.ocSlots);
    p->ic = parts(ic, cut.icSlots);
    // Bands start where a pool's window starts.
    int64_t unitY = byCell ? work.y.kernel : 1, unitX = byCell ? work.x.kernel : 1;
    for (const Epilogue &e : work.epilogues)
      if (!e.recipe) {
        unitY = std::lcm(unitY, e.poolY.stride);
        unitX = std::lcm(unitX, e.poolX.stride);
      }
    p->rows = splitAxis(work.y, cut.rowBands, unitY);
    p->columns = splitAxis(work.x, cut.columnBands, unitX);
    if (p->rows.empty() || p->columns.empty())
      return false;
    p->blocks.resize(p->oc.size() * p->ic.size());
    p->padTables.resize(p->ic.size());
    auto plan = build(p, cut, options);
    return plan && choice.offer(std::move(*plan));
  };
  // For a block size and part size: the fewest row bands that fit, for the fewest column bands that
  // can.
  auto search = [&](int64_t ocs, int64_t ics) {
    bool found = false;
    int64_t tries = 0;
    for (int64_t columns = 1; columns <= work.x.out && tries < 2;
         columns += std::max<int64_t>(1, columns / 4)) {
      int64_t kept = 0;
      for (int64_t rows = 1; rows <= work.y.out && kept < 5;) {
        Cut cut{ocs, ics, rows, columns, false};
        bool fits = offer(cut);
        if (fits) {
          ++kept;
          found = true;
          if (ocs < ocSlots) {
            cut.blocksOutside = true;
            offer(cut);
          }
          rows += std::max<int64_t>(1, rows / 2);
        } else {
          rows += std::max<int64_t>(1, rows / 16);
        }
      }
      if (kept > 0)
        ++tries;
    }
    return found;
  };
  for (int64_t ocs = ocSlots; ocs >= 1; ocs = ocs == 1 ? 0 : chip::ceilDiv(ocs, 2))
    search(ocs, icSlots);
  if (byCell && !choice.any()) { // too large in that form
    byCell = false;
    for (int64_t ocs = ocSlots; ocs >= 1; ocs = ocs == 1 ? 0 : chip::ceilDiv(ocs, 2))
      search(ocs, icSlots);
  }
  for (int64_t ics = icSlots; !choice.any() && ics > 1;) {
    ics = chip::ceilDiv(ics, 2);
    search(1, ics);
  }
  return choice.take();
}

} // namespace

std::optional<ConvWork> unfolded(const ConvWork &work, Unfolded what) {
  int64_t columns = what == Unfolded::Cells ? work.x.kernel : 1;
  if (work.rotate || work.y.insert > 0 || work.x.insert > 0 ||
      !unfoldPays(work.filter.dim(1), work.y.kernel * columns))
    return std::nullopt;
  Unfold u{work.input, work.y, work.x, work.padValue.empty() ? 0 : work.padValue[0]};
  if (std::any_of(work.padValue.begin(), work.padValue.end(),
                  [&](int32_t v) { return v != u.padValue; }))
    return std::nullopt;
  ConvWork w = work;
  w.y = {work.y.out, work.y.out};
  if (what == Unfolded::Cells) {
    w.filter = unfoldFilter(work.filter, work.x.kernel);
    w.padValue.clear();
    w.x = {work.x.out, work.x.out};
  } else {
    if (work.x.kernel == 1) // all cells are its rows
      return std::nullopt;
    w.filter = unfoldFilter(work.filter, 1);
    if (!w.padValue.empty())
      w.padValue.assign(size_t(work.filter.dim(1) * work.y.kernel), u.padValue);
    u.x = {work.x.in, work.x.in};
  }
  w.unfold = std::move(u);
  return w;
}

std::optional<LayerPlan> planConv(const ConvWork &work, const Options &options) {
  PlanChoice choice(options.localBytes);
  auto offer = [&](const std::optional<ConvWork> &form) {
    if (form)
      if (auto plan = planForm(*form, options))
        choice.offer(std::move(*plan));
  };
  bool must = options.unfold == Unfolding::Always;
  if (options.unfold != Unfolding::Never) {
    offer(unfolded(work, Unfolded::Cells));
    if (!must || !choice.any())
      offer(unfolded(work, Unfolded::Rows));
  }
  if (options.stack != Stacking::Never && !(must && choice.any())) {
    for (int64_t bands = 2; bands <= chip::kLanes; ++bands)
      offer(stacked(work, bands));
    must |= options.stack == Stacking::Always;
  }
  if (!must || !choice.any())
    offer(work);
  return choice.take();
}

} // namespace tessera::schedule
