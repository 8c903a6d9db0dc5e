#include "tessera/codegen/upconv.h"
#include "tessera/schedule/cuts.h"
#include "tessera/schedule/plan_ops.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace tessera::schedule {
namespace {

using namespace codegen;

struct Cut {
  int64_t ocSlots = 1, rowBands = 1, columnBands = 1;
  bool blocksOutside = false; ///< weights stay while the bands pass, else the other way round
};

/// Everything the slices of one cut share.
struct UpConvPlan {
  UpConvWork work;
  int64_t biases = 0;
  std::vector<Range> oc;
  std::vector<UpConvBand> rows, columns;
  // Slot numbers.
  int low = -1, skip = -1, constants = -1, acc = -1, sum = -1, plane = -1, result = -1;
  // Constants by block of output channels; filled once the cut is chosen.
  int32_t buffer = -1;
  std::vector<uint64_t> offset;

  UpConvLayout layout(size_t o) const {
    return UpConvLayout::of(oc[o].second - oc[o].first, work.x.shape[1], work.skip.shape[1], biases,
                            work.op.low.dtype());
  }
};

struct Place {
  int64_t n;
  size_t row, column, o;
};

LocalTensor lowTensor(const UpConvPlan &p, const Place &at, const Addresses &a) {
  const UpConvBand &y = p.rows[at.row], &x = p.columns[at.column];
  return {a[size_t(p.low)], p.work.x.dtype, p.work.x.shape[1], y.low1 - y.low0, x.low1 - x.low0};
}
LocalTensor skipTensor(const UpConvPlan &p, const Place &at, const Addresses &a) {
  const UpConvBand &y = p.rows[at.row], &x = p.columns[at.column];
  return {a[size_t(p.skip)], p.work.skip.dtype, p.work.skip.shape[1], y.skip1 - y.skip0,
          x.skip1 - x.skip0};
}
LocalTensor resultTensor(const UpConvPlan &p, const Place &at, const Addresses &a) {
  return {a[size_t(p.result)], p.work.output.dtype, p.oc[at.o].second - p.oc[at.o].first,
          p.rows[at.row].outputs(), p.columns[at.column].outputs()};
}

Instructions loadSlot(const UpConvPlan &p, const Place &at, const Addresses &a, int slot) {
  const UpConvBand &y = p.rows[at.row], &x = p.columns[at.column];
  if (slot == p.low) {
    LocalTensor to = lowTensor(p, at, a);
    return {loadTensor(p.work.x.part({at.n, 0, y.low0, x.low0}, {1, to.c, to.h, to.w}), to)};
  }
  if (slot == p.skip) {
    LocalTensor to = skipTensor(p, at, a);
    return {loadTensor(p.work.skip.part({at.n, 0, y.skip0, x.skip0}, {1, to.c, to.h, to.w}), to)};
  }
  return loadRows(p.buffer, p.offset[at.o],
                  std::min(p.oc[at.o].second - p.oc[at.o].first, chip::kLanes),
                  p.layout(at.o).width, a[size_t(slot)]);
}

Instructions compute(const UpConvPlan &p, const Place &at, const Addresses &a) {
  UpConvSlice s;
  s.low = lowTensor(p, at, a);
  s.skip = skipTensor(p, at, a);
  s.y = p.rows[at.row];
  s.x = p.columns[at.column];
  s.constants = a[size_t(p.constants)];
  s.layout = p.layout(at.o);
  s.biases = p.biases;
  s.accumulator = a[size_t(p.acc)];
  s.sum = p.biases ? a[size_t(p.sum)] : s.accumulator;
  s.plane = a[size_t(p.plane)];
  s.result = resultTensor(p, at, a);
  s.relu = p.work.op.relu;
  return upConv(s);
}

Instructions storeResult(const UpConvPlan &p, const Place &at, const Addresses &a) {
  LocalTensor from = resultTensor(p, at, a);
  return {storeTensor(from, p.work.output.part({at.n, p.oc[at.o].first, p.rows[at.row].out0,
                                                p.columns[at.column].out0},
                                               {1, from.c, from.h, from.w}))};
}

void materialize(UpConvPlan &p, const AddConstant &addConstant) {
  std::vector<uint8_t> bytes;
  const UpConv &op = p.work.op;
  for (size_t o = 0; o < p.oc.size(); ++o) {
    auto [oc0, oc1] = p.oc[o];
    auto block = packUpConv(op.low, op.skip, op.bias, op.multiplier, op.rshift, oc0, oc1, p.biases);
    p.offset[o] = appendRows(bytes, block, std::min(oc1 - oc0, chip::kLanes), p.layout(o).width);
  }
  p.buffer = addConstant(std::move(bytes));
}

std::vector<UpConvBand> bandsOf(int64_t in, int64_t out, int64_t bands) {
  std::vector<UpConvBand> list;
  for (auto [first, last] : splitRange(out, bands, 2))
    list.push_back(UpConvBand::of(in, out, first, last));
  return list;
}

std::optional<LayerPlan> build(const std::shared_ptr<UpConvPlan> &p, const Cut &cut,
                               const Options &options) {
  LayerPlan plan;
  auto low = [](const UpConvBand &b) { return b.low1 - b.low0; };
  auto skip = [](const UpConvBand &b) { return b.skip1 - b.skip0; };
  auto outputs = [](const UpConvBand &b) { return b.outputs(); };
  int64_t lh = most(p->rows, low), lw = most(p->columns, low);
  int64_t sh = most(p->rows, skip), sw = most(p->columns, skip);
  int64_t oh = most(p->rows, outputs), ow = most(p->columns, outputs);
  int64_t ocPart = p->oc[0].second - p->oc[0].first, batch = p->work.output.shape[0];
  int64_t bands = batch * int64_t(p->rows.size() * p->columns.size());
  int64_t blocks = int64_t(p->oc.size());
  int64_t lowBytes = dtypeSize(p->work.x.dtype), skipBytes = dtypeSize(p->work.skip.dtype);
  int64_t resultBytes = dtypeSize(p->work.output.dtype);
  int64_t ph = chip::ceilDiv(oh, 2), pw = chip::ceilDiv(ow, 2);
  // The convolution reads parts of its inputs, for which its strides have 16 bits.
  for (auto [c, h, w, bytes] : {std::tuple{p->work.x.shape[1], lh, lw, lowBytes},
                                {p->work.skip.shape[1], sh, sw, skipBytes}})
    if (c > chip::kLanes && chip::alignedLayout(0, 1, c, h, w, bytes).c > chip::kMaxConvStride)
      return std::nullopt;
  int deep = options.overlap ? 2 : 1;
  int64_t accBytes = chip::alignedLaneBytes(0, 1, 1, ph, pw, 4);
  if (p->biases)
    p->sum = plan.addSlot({"sum", accBytes, 1, true});
  p->acc = plan.addSlot({"acc", accBytes, 1, !p->biases});
  p->plane = plan.addSlot({"plane", chip::alignedLaneBytes(0, 1, 1, ph, pw, resultBytes), 1});
  p->result = plan.addSlot({"result", chip::alignedLaneBytes(0, 1, ocPart, oh, ow, resultBytes),
                            bands * blocks > 1 ? deep : 1});
  int copies = bands > 1 ? deep : 1;
  p->low = plan.addSlot(
      {"low", chip::alignedLaneBytes(0, 1, p->work.x.shape[1], lh, lw, lowBytes), copies});
  p->skip = plan.addSlot(
      {"skip", chip::alignedLaneBytes(0, 1, p->work.skip.shape[1], sh, sw, skipBytes), copies});
  p->constants = plan.addSlot({"weights", p->layout(0).width, blocks > 1 ? deep : 1});
  if (plan.localBytes(options.localBytes) > options.localBytes)
    return std::nullopt;

  auto add = [&](int64_t n, size_t row, size_t column, size_t o) {
    Place at{n, row, column, o};
    int64_t band =
        (n * int64_t(p->rows.size()) + int64_t(row)) * int64_t(p->columns.size()) + int64_t(column);
    SliceWork s;
    s.inputs = {{p->constants, int64_t(o)}, {p->low, band}, {p->skip, band}};
    if (p->biases)
      s.work.push_back({p->sum, 0});
    s.work.push_back({p->acc, 0});
    s.work.push_back({p->plane, 0});
    s.work.push_back({p->result, int64_t(plan.slices.size())});
    s.load = [p, at](const Addresses &a, int which) { return loadSlot(*p, at, a, which); };
    s.compute = [p, at](const Addresses &a) { return compute(*p, at, a); };
    s.store = [p, at](const Addresses &a) { return storeResult(*p, at, a); };
    plan.slices.push_back(std::move(s));
  };
  eachSlice(batch, p->rows.size(), p->columns.size(), p->oc.size(), cut.blocksOutside, add);
  plan.materialize = [p](const AddConstant &addConstant) { materialize(*p, addConstant); };
  plan.cut = fmt::format(
      "{} x {} bands of {} x {}, {} channel blocks of {}{}", p->rows.size(), p->columns.size(), oh,
      ow, blocks, ocPart,
      bands > 1 && blocks > 1 ? (cut.blocksOutside ? ", blocks outside" : ", bands outside") : "");
  return plan;
}

} // namespace

std::optional<LayerPlan> planUpConv(const UpConvWork &work, const Options &options) {
  UpConvPlan shared;
  shared.work = work;
  int64_t oc = work.output.shape[1], ocSlots = chip::slots(0, oc);
  shared.biases = upConvBiases(work.op.bias);
  PlanChoice choice(options);
  auto offer = [&](const Cut &cut) {
    auto p = std::make_shared<UpConvPlan>(shared);
    p->oc = channelBlocks(oc, cut.ocSlots);
    p->offset.resize(p->oc.size());
    p->rows = bandsOf(work.x.shape[2], work.output.shape[2], cut.rowBands);
    p->columns = bandsOf(work.x.shape[3], work.output.shape[3], cut.columnBands);
    auto plan = build(p, cut, options);
    return plan && choice.offer(std::move(*plan));
  };
  for (int64_t ocs : blockSizes(ocSlots))
    searchBands({work.x.shape[2], work.x.shape[3], 3, 4}, ocs < ocSlots,
                [&](int64_t rows, int64_t columns, bool blocksOutside) {
                  return offer({ocs, rows, columns, blocksOutside});
                });
  return choice.take();
}

} // namespace tessera::schedule
