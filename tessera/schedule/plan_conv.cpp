#include "tessera/codegen/deconv.h"
#include "tessera/schedule/conv_emit.h"
#include "tessera/schedule/cuts.h"

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

std::optional<LayerPlan> build(const std::shared_ptr<ConvPlan> &p, const Cut &cut,
                               const Options &options) {
  LayerPlan plan;
  int64_t ih = most(p->rows, [](auto &s) { return s.inputs(); });
  int64_t iw = most(p->columns, [](auto &s) { return s.inputs(); });
  int64_t oh = most(p->rows, [](auto &s) { return s.outputs(); });
  int64_t ow = most(p->columns, [](auto &s) { return s.outputs(); });
  int64_t icPart = p->ic[0].second - p->ic[0].first, ocPart = p->oc[0].second - p->oc[0].first;
  int64_t batch = p->work.output.shape[0];
  int64_t bands = batch * int64_t(p->rows.size() * p->columns.size());
  int64_t blocks = int64_t(p->oc.size() * p->ic.size());
  int64_t inputs = bands * int64_t(p->ic.size());
  int deep = options.overlap ? 2 : 1;
  bool split = p->ic.size() > 1;

  // The requantize source first: it wants to start in a bank of its own.
  int64_t resultBytes = dtypeSize(p->work.output.dtype);
  int64_t sums = split ? chip::slots(0, ocPart) : 1;
  int64_t ph = p->byPhases ? chip::ceilDiv(oh, p->work.y.insert + 1) : oh,
          pw = p->byPhases ? chip::ceilDiv(ow, p->work.x.insert + 1) : ow,
          accBytes = chip::alignedLaneBytes(0, 1, 1, ph, pw, 4);
  if (p->hasSum())
    p->sum = plan.addSlot({"sum", accBytes, 1, true});
  if (!p->floats())
    p->acc = plan.addSlot({"acc", accBytes * sums, 1, !p->hasSum()});
  if (p->byPhases)
    p->plane = plan.addSlot({"plane", chip::alignedLaneBytes(0, 1, 1, ph, pw, resultBytes), 1});
  int64_t results = bands * int64_t(p->oc.size());
  p->result = plan.addSlot({"result", chip::alignedLaneBytes(0, 1, ocPart, oh, ow, resultBytes),
                            p->work.storeResult && results > 1 ? deep : 1});
  p->extra.clear();
  p->scratch.clear();
  for (const Epilogue &e : p->work.epilogues) {
    p->scratch.emplace_back();
    if (e.recipe)
      for (DType t : e.recipe->scratch)
        p->scratch.back().push_back(
            plan.addSlot({fmt::format("scratch{}", plan.slots.size()),
                          chip::alignedLaneBytes(0, 1, ocPart, oh, ow, dtypeSize(t)), 1}));
    p->extra.push_back(plan.addSlot(
        {fmt::format("epilogue{}", p->extra.size()),
         chip::alignedLaneBytes(0, 1, ocPart, e.recipe ? oh : chip::ceilDiv(oh, e.poolY.stride),
                                e.recipe ? ow : chip::ceilDiv(ow, e.poolX.stride),
                                dtypeSize(e.output.dtype)),
         results > 1 ? deep : 1}));
  }
  p->input = plan.addSlot(
      {"input", chip::alignedLaneBytes(0, 1, icPart, ih, iw, dtypeSize(p->work.input.dtype)),
       inputs > 1 ? deep : 1});
  int64_t width = 0;
  for (size_t i = 0; i < p->ic.size(); ++i)
    width = std::max(width, p->layout(0, i).width);
  p->weights = plan.addSlot({"weights", width, blocks > 1 ? deep : 1});
  if (p->padTable)
    p->pads = plan.addSlot({"pads", p->padBytes(0), split ? deep : 1});
  if (plan.localBytes(options.localBytes) > options.localBytes)
    return std::nullopt;

  auto add = [&](ConvPlace at) {
    int64_t band = (at.n * int64_t(p->rows.size()) + int64_t(at.row)) * int64_t(p->columns.size()) +
                   int64_t(at.column);
    SliceWork s;
    s.inputs.push_back({p->weights, int64_t(at.o * p->ic.size() + at.i)});
    if (p->padTable)
      s.inputs.push_back({p->pads, int64_t(at.i)});
    s.inputs.push_back({p->input, band * int64_t(p->ic.size()) + int64_t(at.i)});
    if (p->hasSum())
      s.work.push_back({p->sum, 0});
    if (!p->floats())
      s.work.push_back({p->acc, 0});
    bool tail = p->tail(at.i);
    // Results alternate; parts of the input channels before the last write none but keep the slot.
    int64_t number = cut.blocksOutside ? int64_t(at.o) * bands + band
                                       : band * int64_t(p->oc.size()) + int64_t(at.o);
    s.work.push_back({p->result, number});
    if (p->byPhases)
      s.work.push_back({p->plane, 0});
    for (size_t e = 0; e < p->extra.size(); ++e) {
      s.work.push_back({p->extra[e], number});
      for (int k : p->scratch[e])
        s.work.push_back({k, 0});
    }
    s.load = [p, at](const Addresses &a, int which) { return loadConv(*p, at, a, which); };
    s.compute = [p, at](const Addresses &a) { return computeConv(*p, at, a); };
    if (tail)
      s.store = [p, at](const Addresses &a) { return storeConv(*p, at, a); };
    plan.slices.push_back(std::move(s));
  };
  eachSlice(batch, p->rows.size(), p->columns.size(), p->oc.size(), cut.blocksOutside,
            [&](int64_t n, size_t r, size_t c, size_t o) {
              for (size_t i = 0; i < p->ic.size(); ++i)
                add({n, r, c, o, i});
            });
  plan.materialize = [p](const AddConstant &addConstant) { addConvConstants(*p, addConstant); };
  plan.cut = fmt::format(
      "{} x {} bands of {} x {}, {} channel blocks of {}, {} input parts of {}{}{}{}",
      p->rows.size(), p->columns.size(), oh, ow, p->oc.size(), ocPart, p->ic.size(), icPart,
      p->work.unfold  ? (p->work.x.kernel > 1 ? ", kernel rows unfolded into channels"
                                              : ", window unfolded into channels")
      : p->work.stack ? fmt::format(", {} bands side by side in the lanes", p->work.stack->bands)
      : p->work.depthwise ? ", channel by channel"
                          : "",
      p->byPhases ? ", by phases" : "",
      bands > 1 && p->oc.size() > 1 ? (cut.blocksOutside ? ", blocks outside" : ", bands outside")
                                    : "");
  return plan;
}

// The best cut of the convolution as it is given.
std::optional<LayerPlan> planForm(const ConvWork &work, const Options &options) {
  int64_t oc = work.filter.dim(0), ic = work.inputChannels();
  for (const WindowAxis *a : {&work.y, &work.x})
    if (a->stride > chip::kMaxWindowStride || a->dilation > chip::kMaxDilation ||
        a->insert > chip::kMaxConvInsert || a->kernel > chip::kMaxDim)
      return std::nullopt;
  ConvPlan shared;
  shared.work = work;
  shared.bias = !work.bias.empty();
  shared.biasInside =
      work.depthwise && shared.bias && (work.floats() || biasFitsSum(work.filter, work.bias));
  shared.weightsSigned = work.filter.dtype() == DType::I8;
  if (!work.padValue.empty()) {
    bool equal = std::all_of(work.padValue.begin(), work.padValue.end(),
                             [&](int32_t v) { return v == work.padValue[0]; });
    if (work.depthwise && !work.floats() && !equal)
      return std::nullopt; // the dense form has one
    shared.padTable = !equal;
    shared.padValue = equal ? work.padValue[0] : 0;
  }
  int64_t ocSlots = chip::slots(0, oc), icSlots = chip::slots(0, ic);

  bool byPhases = options.phases && work.rotate && runsByPhases(work.input.dtype, work.y, work.x);
  PlanChoice choice(options);
  // Buffers are not known while prices are compared; a price does not depend on them.
  auto offer = [&](const Cut &cut) {
    auto p = std::make_shared<ConvPlan>(shared);
    p->byPhases = byPhases;
    p->oc = channelBlocks(oc, cut.ocSlots);
    p->ic = channelBlocks(ic, cut.icSlots);
    // Bands start where a pool's window starts.
    int64_t unitY = byPhases ? work.y.insert + 1 : 1, unitX = byPhases ? work.x.insert + 1 : 1;
    for (const Epilogue &e : work.epilogues)
      if (!e.recipe) {
        unitY = std::lcm(unitY, e.poolY.stride);
        unitX = std::lcm(unitX, e.poolX.stride);
      }
    p->rows = splitAxis(work.y, cut.rowBands, unitY);
    p->columns = splitAxis(work.x, cut.columnBands, unitX);
    if (p->rows.empty() || p->columns.empty())
      return false;
    auto blind = [&](const WindowAxis &axis, const AxisSlice &s) {
      return byPhases && !phasesSeeInput(axis, s.out0, s.out1);
    };
    if (std::ranges::any_of(p->rows, [&](auto &s) { return blind(work.y, s); }) ||
        std::ranges::any_of(p->columns, [&](auto &s) { return blind(work.x, s); }))
      return false;
    p->blocks.resize(p->oc.size() * p->ic.size());
    p->padTables.resize(p->ic.size());
    auto plan = build(p, cut, options);
    return plan && choice.offer(std::move(*plan));
  };
  auto search = [&](int64_t ocs, int64_t ics) {
    searchBands({work.y.out, work.x.out, 5, 2}, ocs < ocSlots,
                [&](int64_t rows, int64_t columns, bool blocksOutside) {
                  return offer({ocs, ics, rows, columns, blocksOutside});
                });
  };
  if (work.depthwise) { // a block of the result needs the same channels of the input
    search(ocSlots, icSlots);
    return choice.take();
  }
  for (int64_t ocs : blockSizes(ocSlots))
    search(ocs, icSlots);
  if (byPhases) { // small ones have fewer commands over inserted zeros
    byPhases = false;
    for (int64_t ocs : blockSizes(ocSlots))
      search(ocs, icSlots);
  }
  // Parts of the input channels would change the order of a float's sums.
  for (int64_t ics = icSlots; !shared.floats() && !choice.any() && ics > 1;) {
    ics = chip::ceilDiv(ics, 2);
    search(1, ics);
  }
  return choice.take();
}

} // namespace

std::optional<ConvWork> unfolded(const ConvWork &work, Unfolded what) {
  int64_t columns = what == Unfolded::Cells ? work.x.kernel : 1;
  if (work.floats() || work.rotate || work.depthwise || work.y.insert > 0 || work.x.insert > 0 ||
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

ConvWork ConvWork::dense() const {
  ConvWork w = *this;
  if (depthwise)
    w.filter = expandGroups(filter, filter.dim(0));
  w.depthwise = false;
  return w;
}

std::optional<LayerPlan> planConv(const ConvWork &work, const Options &options) {
  // The other forms sum in another order.
  if (work.input.dtype == DType::F32 || (work.depthwise && work.floats()))
    return planForm(work, options);
  PlanChoice choice(options);
  auto offer = [&](const std::optional<ConvWork> &form) {
    if (form)
      if (auto plan = planForm(*form, options))
        choice.offer(std::move(*plan));
  };
  if (work.depthwise) {
    offer(work);
    if (auto plan = planConv(work.dense(), options))
      choice.offer(std::move(*plan));
    return choice.take();
  }
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
