#include "tessera/schedule/group_emit.h"

#include "tessera/codegen/arith.h"
#include "tessera/codegen/deconv.h"
#include "tessera/codegen/depthwise.h"
#include "tessera/codegen/pool2d.h"
#include "tessera/schedule/group_constants.h"
#include "tessera/schedule/group_resize.h"

#include <algorithm>

namespace tessera::schedule {

using namespace codegen;

namespace {

LocalTensor rowsOf(const GroupPlan &p, size_t band, int32_t t, int64_t a, int64_t b,
                   const Addresses &at) {
  const View &v = p.view(t);
  const GroupBuffer &buffer = p.buffers[size_t(t)];
  int64_t offset = buffer.head + (a - p.bands[band][size_t(t)].from) * v.shape[3];
  return {uint32_t(at[size_t(buffer.slot)] + offset * dtypeSize(v.dtype)),
          v.dtype,
          v.shape[1],
          b - a,
          v.shape[3],
          buffer.plane};
}

/// Rows that a band loads of an input from outside.
Range loadedRows(const GroupPlan &p, const GroupPlace &at, const GroupInput &i) {
  const BandRows &r = p.bands[at.band][size_t(p.work.ops[at.op].result)];
  auto s = inputRows(i, r.from, r.to);
  return s ? Range{s->in0, s->in1} : Range{0, 0};
}

LocalTensor loadedTensor(const GroupPlan &p, const GroupPlace &at, size_t input,
                         const Addresses &a) {
  const GroupInput &i = p.work.ops[at.op].inputs[input];
  if (i.repeats()) {
    LocalTensor t{a[size_t(p.steps[at.op].loads[input])], i.view.dtype, p.channels(i)};
    t.repeated = true;
    return t;
  }
  auto [lo, hi] = loadedRows(p, at, i);
  return {a[size_t(p.steps[at.op].loads[input])], i.view.dtype, p.channels(i), hi - lo,
          p.columns(i).inputs()};
}

/// Rows [a, b) of an input, of its columns those that are read.
LocalTensor inputWindow(const GroupPlan &p, const GroupPlace &at, size_t input, int64_t a,
                        int64_t b, const Addresses &where) {
  const GroupInput &i = p.work.ops[at.op].inputs[input];
  AxisSlice x = p.columns(i);
  if (i.tensor >= 0)
    return rowsOf(p, at.band, i.tensor, a, b, where).window(0, b - a, x.in0, x.inputs());
  if (i.repeats())
    return loadedTensor(p, at, input, where);
  int64_t lo = loadedRows(p, at, i).first;
  return loadedTensor(p, at, input, where).window(a - lo, b - a, 0, x.inputs());
}

class Emitter {
public:
  Emitter(const GroupPlan &p, const GroupPlace &at, const Addresses &a)
      : p_(p), at_(at), a_(a), op_(p.work.ops[at.op]), step_(p.steps[at.op]),
        buffer_(p.buffers[size_t(op_.result)]), view_(p.view(op_.result)) {
    channels_ = {0, view_.shape[1]};
    if (op_.hasWeights())
      channels_ = step_.blocks[at_.block];
  }

  Instructions compute() {
    if (at_.block == 0 && buffer_.carries)
      keepRows();
    if (op_.upConv)
      convolveUp();
    else if (op_.conv && step_.byPhases)
      convolveByPhases();
    else if (op_.conv && op_.conv->depthwise)
      convolveChannels();
    else if (op_.sumsInPlace())
      convolveFloats();
    else if (op_.conv)
      convolveRows();
    else
      runSlots();
    return std::move(list_);
  }

  Instructions store() const {
    LocalTensor t = made(at_.from, at_.to);
    return {storeTensor(t, view_.part({at_.n, channels_.first, at_.from, 0}, {1, t.c, t.h, t.w}))};
  }

private:
  uint32_t address(int slot) const { return a_[size_t(slot)]; }

  /// Rows [a, b) of the channels that are there.
  LocalTensor result(int64_t a, int64_t b) const {
    if (!buffer_.passing)
      return rowsOf(p_, at_.band, op_.result, a, b, a_);
    int64_t offset = (a - at_.from) * view_.shape[3] * dtypeSize(view_.dtype);
    return {uint32_t(address(buffer_.slot) + offset),
            view_.dtype,
            channels_.second - channels_.first,
            b - a,
            view_.shape[3],
            buffer_.plane};
  }
  int64_t firstSlot() const { return buffer_.passing ? channels_.first / chip::kLanes : 0; }
  /// Of the channels that the slice makes.
  LocalTensor made(int64_t a, int64_t b) const {
    return result(a, b).slotRange(channels_.first / chip::kLanes - firstSlot(),
                                  chip::slots(0, channels_.second - channels_.first));
  }
  /// One slot of some rows, which any command can take if the address is aligned.
  LocalTensor resultSlot(int64_t slot, int64_t a, int64_t b) const {
    LocalTensor t = result(a, b).slotRange(slot - firstSlot(), 1);
    t.plane = 0;
    return t;
  }
  void complete(const LocalTensor &t, int64_t slot, int64_t row) {
    if (!p_.work.tensors[size_t(op_.result)].stored)
      list_.back().completes = {LocalPart{t, {at_.n, slot * chip::kLanes, row, 0}}};
  }

  // Rows of the band before that are still needed move in front of the new ones.
  void keepRows() {
    const BandRows &rows = p_.bands[at_.band][size_t(op_.result)];
    if (at_.band == 0 || rows.keep == rows.from)
      return;
    int64_t before = p_.bands[at_.band - 1][size_t(op_.result)].from, w = view_.shape[3];
    auto kept = [&](int64_t row) { // where the band's own rows start at `head`
      int64_t offset = (buffer_.head + row * w) * dtypeSize(view_.dtype);
      return LocalTensor{uint32_t(address(buffer_.slot) + offset),
                         view_.dtype,
                         view_.shape[1],
                         rows.from - rows.keep,
                         w,
                         buffer_.plane};
    };
    list_.push_back(copyRows(kept(rows.keep - before), kept(rows.keep - rows.from)));
  }

  void rectify(const LocalTensor &t) {
    list_.push_back(arith(Arith::Max, t, tensorOperand(t), immediateOperand(0, t.dtype)));
  }

  /// Requantizes (rounds) `sum` to one slot's rows from `a`; through a plane of its own where those
  /// start inside a 64-byte unit.
  void finish(const LocalTensor &sum, uint32_t table, int64_t slot, int64_t a, int64_t b) {
    LocalTensor to = resultSlot(slot, a, b), whole = to;
    if (!to.isAligned())
      whole.address = address(p_.plane);
    if (dtypeIsFloat(sum.dtype)) {
      list_.push_back(castTo(whole, sum, numerics::Rounding::HalfEven));
      if (op_.conv->relu)
        rectify(whole);
    } else {
      list_.push_back(requantize(sum, table, whole));
    }
    if (!to.isAligned())
      list_.push_back(copyRows(whole, to));
    complete(to, slot, a);
  }

  void finishFloats(const LocalTensor &to, int64_t slot, int64_t row) {
    if (op_.conv->relu)
      rectify(to);
    complete(to, slot, row);
  }

  void convolveRows() {
    auto parts = convParts(p_, at_.op, at_.block);
    auto [oc0, oc1] = channels_;
    uint32_t weights = address(step_.weights);
    for (int64_t s = 0; s < chip::slots(0, oc1 - oc0); ++s)
      for (int64_t a = at_.from; a < at_.to; a += step_.subRows) {
        int64_t b = std::min(a + step_.subRows, at_.to), slot = oc0 / chip::kLanes + s;
        bool floats = op_.conv->floats();
        LocalTensor acc{address(p_.acc), floats ? DType::F32 : DType::I32,
                        std::min(oc1 - oc0 - s * chip::kLanes, chip::kLanes), b - a,
                        view_.shape[3]};
        bool first = true;
        auto bias = uint32_t(weights + parts.back().bias + 4 * s);
        for (size_t i = 0; i < op_.inputs.size(); ++i) {
          const GroupInput &in = op_.inputs[i];
          auto y = inputRows(in, a, b);
          if (!y)
            continue; // these rows see none of this part
          ConvSlice c;
          c.input = inputWindow(p_, at_, i, y->in0, y->in1, a_);
          c.y = *y;
          c.x = p_.columns(in);
          c.axisY = in.y;
          c.axisX = in.x;
          c.rotate = op_.conv->rotate;
          c.weights = uint32_t(weights + parts[i].filter + s * parts[i].slotBytes);
          c.weightBytes = parts[i].slotBytes;
          c.weightsSigned = step_.weightsSigned;
          c.padValue = step_.padValue;
          c.accumulate = !first;
          c.accumulator = acc;
          if (floats && step_.bias && first)
            c.bias = LaneRange{bias, bias + 4};
          list_.push_back(convolve(c));
          first = false;
        }
        LocalTensor sum = acc;
        if (step_.bias && !step_.biasInside) {
          sum.address = address(p_.sum);
          list_.push_back(addBias(acc, bias, sum));
        }
        finish(sum, uint32_t(weights + s * chip::kEuBytes), slot, a, b);
      }
  }

  void convolveFloats() {
    const GroupInput &in = op_.inputs[0];
    ConvBlockLayout layout = convParts(p_, at_.op, at_.block)[0];
    auto [c0, c1] = channels_;
    uint32_t constants = address(step_.weights);
    ConvSlice c;
    c.y = *inputRows(in, at_.from, at_.to);
    c.x = p_.columns(in);
    c.input = inputWindow(p_, at_, 0, c.y.in0, c.y.in1, a_);
    c.axisY = in.y;
    c.axisX = in.x;
    c.rotate = op_.conv->rotate;
    c.weightBytes = layout.slotBytes;
    c.padValue = step_.padValue;
    for (int64_t s = 0; s < chip::slots(0, c1 - c0); ++s) {
      int64_t slot = c0 / chip::kLanes + s;
      LocalTensor to = resultSlot(slot, at_.from, at_.to);
      c.accumulator = to;
      c.weights = uint32_t(constants + layout.filter + s * layout.slotBytes);
      if (auto bias = uint32_t(constants + layout.bias + 4 * s); step_.bias)
        c.bias = LaneRange{bias, bias + 4};
      list_.push_back(convolve(c));
      finishFloats(to, slot, at_.from);
    }
  }

  void convolveChannels() {
    const GroupInput &in = op_.inputs[0];
    ConvBlockLayout layout = convParts(p_, at_.op, at_.block)[0];
    auto [c0, c1] = channels_;
    uint32_t constants = address(step_.weights);
    for (int64_t s = 0; s < chip::slots(0, c1 - c0); ++s)
      for (int64_t a = at_.from; a < at_.to; a += step_.subRows) {
        int64_t b = std::min(a + step_.subRows, at_.to), slot = c0 / chip::kLanes + s;
        ConvSlice c;
        c.y = *inputRows(in, a, b);
        c.x = p_.columns(in);
        c.input = inputWindow(p_, at_, 0, c.y.in0, c.y.in1, a_).slotRange(slot, 1);
        if (!c.input.isAligned()) {
          LocalTensor flat = c.input;
          flat.address = address(p_.window);
          flat.plane = flat.pitch = 0;
          list_.push_back(copyRows(c.input, flat));
          c.input = flat;
        }
        c.axisY = in.y;
        c.axisX = in.x;
        c.weights = uint32_t(constants + layout.filter + s * layout.slotBytes);
        c.weightBytes = layout.slotBytes;
        c.weightsSigned = step_.weightsSigned;
        c.padValue = step_.padValue;
        int64_t biasBytes = depthwiseBiasBytes(c.input.dtype);
        auto bias = uint32_t(constants + layout.bias + biasBytes * s);
        if (step_.biasInside)
          c.bias = LaneRange{bias, uint32_t(bias + biasBytes)};
        if (op_.sumsInPlace()) {
          c.accumulator = resultSlot(slot, a, b);
          list_.push_back(convolveDepthwise(c));
          finishFloats(c.accumulator, slot, a);
          continue;
        }
        c.accumulator = {address(p_.acc), DType::I32, c.input.c, b - a, view_.shape[3]};
        list_.push_back(convolveDepthwise(c));
        LocalTensor sum = c.accumulator;
        if (step_.bias && !step_.biasInside) {
          sum.address = address(p_.sum);
          list_.push_back(addBias(c.accumulator, bias, sum));
        }
        finish(sum, uint32_t(constants + s * chip::kEuBytes), slot, a, b);
      }
  }

  void convolveByPhases() {
    const GroupInput &in = op_.inputs[0];
    DeconvSlice c;
    c.x = {in.x, 0, view_.shape[3], p_.columns(in).in0};
    c.constants = address(step_.weights);
    c.layout = convParts(p_, at_.op, at_.block)[0];
    c.slots = chip::slots(0, channels_.second - channels_.first);
    c.weightsSigned = step_.weightsSigned;
    c.accumulator = address(p_.acc);
    c.plane = address(p_.plane);
    c.bias = step_.bias;
    c.relu = op_.conv->relu;
    if (step_.bias && !step_.biasInside)
      c.sum = address(p_.sum);
    for (c.slot = 0; c.slot < c.slots; ++c.slot)
      for (int64_t a = at_.from; a < at_.to; a += step_.subRows) {
        int64_t b = std::min(a + step_.subRows, at_.to);
        auto rows = inputRows(in, a, b);
        c.y = {in.y, a, b, rows->in0};
        c.input = inputWindow(p_, at_, 0, rows->in0, rows->in1, a_);
        int64_t slot = channels_.first / chip::kLanes + c.slot;
        c.result = resultSlot(slot, a, b);
        append(deconvByPhases(c));
        complete(c.result, slot, a);
      }
  }

  void convolveUp() {
    const GroupInput &low = op_.inputs[0];
    UpConvSlice s;
    s.x = UpConvBand::of(low.x.in, view_.shape[3], 0, view_.shape[3]);
    s.constants = address(step_.weights);
    s.layout = upConvLayout(p_, at_.op, at_.block);
    s.biases = step_.biases;
    s.accumulator = address(p_.acc);
    s.sum = address(s.biases ? p_.sum : p_.acc);
    s.plane = address(p_.plane);
    s.relu = op_.upConv->relu;
    for (int64_t a = at_.from; a < at_.to; a += step_.subRows) {
      int64_t b = std::min(a + step_.subRows, at_.to);
      s.y = UpConvBand::of(low.y.in, view_.shape[2], a, b);
      s.low = inputWindow(p_, at_, 0, s.y.low0, s.y.low1, a_)
                  .window(0, s.y.low1 - s.y.low0, s.x.low0, s.x.low1 - s.x.low0);
      s.skip = inputWindow(p_, at_, 1, s.y.skip0, s.y.skip1, a_)
                   .window(0, s.y.skip1 - s.y.skip0, s.x.skip0, s.x.skip1 - s.x.skip0);
      s.result = made(a, b);
      Instructions list = upConv(s);
      size_t each = list.size() / size_t(s.layout.slots);
      for (size_t k = 0; k < list.size(); ++k) {
        list_.push_back(std::move(list[k]));
        int64_t slot = channels_.first / chip::kLanes + int64_t(k / each);
        if ((k + 1) % each == 0)
          complete(resultSlot(slot, a, b), slot, a);
      }
    }
  }

  // Pools and element-wise ops: slot by slot, since their commands know no planes.
  void runSlots() {
    auto y = inputRows(op_.inputs[0], at_.from, at_.to);
    for (int64_t s = 0; s < chip::slots(0, view_.shape[1]); ++s) {
      LocalTensor to = resultSlot(s, at_.from, at_.to);
      std::vector<LocalTensor> in, scratch;
      for (size_t i = 0; i < op_.inputs.size(); ++i) {
        in.push_back(inputWindow(p_, at_, i, y->in0, y->in1, a_).slotRange(s, 1));
        in.back().plane = 0;
      }
      if (op_.recipe) {
        for (size_t k = 0; k < step_.scratch.size(); ++k) {
          scratch.push_back(to);
          scratch.back().address = address(step_.scratch[k]);
          scratch.back().dtype = op_.recipe->scratch[k];
        }
        op_.recipe->emit(list_, in, scratch, to);
      } else if (op_.resizes()) {
        std::array<uint32_t, 3> at{};
        std::ranges::transform(step_.scratch, at.begin(), [&](int slot) { return address(slot); });
        append(resizeSlot(op_, in[0], {*y, at_.from, at_.to}, at, to));
      } else if (op_.average) {
        const GroupInput &g = op_.inputs[0];
        append(averagePool(in[0], *y, p_.columns(g), g.y, g.x, to, op_.average->multiplier,
                           op_.average->rshift));
      } else {
        const GroupInput &g = op_.inputs[0];
        append(maxPool(in[0], *y, p_.columns(g), g.y, g.x, to, op_.relu));
      }
      complete(to, s, at_.from);
    }
  }

  void append(Instructions list) {
    for (Instruction &i : list)
      list_.push_back(std::move(i));
  }

  const GroupPlan &p_;
  GroupPlace at_;
  const Addresses &a_;
  const GroupOp &op_;
  const GroupStep &step_;
  const GroupBuffer &buffer_; ///< of the result
  const View &view_;          ///< the result
  Range channels_;            ///< that the slice makes
  Instructions list_;
};

Instructions owned(Instructions list, int32_t layer) {
  for (Instruction &i : list)
    i.layer = layer;
  return list;
}

} // namespace

Instructions loadGroup(const GroupPlan &p, const GroupPlace &at, const Addresses &a, int slot) {
  const GroupOp &op = p.work.ops[at.op];
  const GroupStep &step = p.steps[at.op];
  if (slot == step.weights) {
    auto [oc0, oc1] = step.blocks[at.block];
    return owned(loadRows(step.constants, step.offset[at.block], std::min(oc1 - oc0, chip::kLanes),
                          blockWidth(p, at.op, at.block), a[size_t(slot)]),
                 op.layer);
  }
  size_t i = size_t(std::find(step.loads.begin(), step.loads.end(), slot) - step.loads.begin());
  const GroupInput &in = op.inputs[i];
  LocalTensor to = loadedTensor(p, at, i, a);
  int64_t y0 = loadedRows(p, at, in).first, x0 = p.columns(in).in0;
  if (in.unfold)
    return owned(loadUnfolded(*in.unfold, at.n, 0, y0, x0, to), op.layer);
  return owned({loadTensor(in.view.part({at.n, 0, y0, x0}, {1, to.c, to.h, to.w}), to)}, op.layer);
}

Instructions computeGroup(const GroupPlan &p, const GroupPlace &at, const Addresses &a) {
  return owned(Emitter(p, at, a).compute(), p.work.ops[at.op].layer);
}

Instructions storeGroup(const GroupPlan &p, const GroupPlace &at, const Addresses &a) {
  return owned(Emitter(p, at, a).store(), p.work.ops[at.op].layer);
}

} // namespace tessera::schedule
