#include "tessera/schedule/plan_group.h"

#include "tessera/codegen/arith.h"
#include "tessera/codegen/pool2d.h"
#include "tessera/codegen/upconv.h"
#include "tessera/schedule/local_memory.h"
#include "tessera/schedule/pipeline.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <numeric>

namespace tessera::schedule {
namespace {

using namespace codegen;

/// What one band does to a tensor: rows [from, to) are new, rows from `keep` on are there.
struct Rows {
  int64_t from = 0, to = 0, keep = 0;
};

/// A tensor's place: the new rows of every band start at `head`, those kept lie before them. What
/// no op of the group reads is only there until it is stored: a few rows of one block of channels.
struct Buffer {
  int slot = -1;
  bool carries = false, passing = false;
  int64_t head = 0, plane = 0; ///< elements
  int64_t newRows = 0;         ///< at most; of a passing one as many as a slice makes
};

struct Constant {
  int32_t buffer = -1;
  uint64_t offset = 0;
};

struct Op {
  std::vector<int> loads; ///< slot by input, -1 for tensors of the group
  std::vector<int> scratch;
  // Convolutions.
  std::vector<std::pair<int64_t, int64_t>> blocks; ///< of output channels
  bool resident = true, bias = false, weightsSigned = true, byCell = false;
  int64_t biases = 0; ///< of an UpConv
  int weights = -1;
  int32_t padValue = 0;
  std::vector<Constant> constants; ///< by block
  int64_t subRows = 1; ///< of the result (of the input if byCell) that fit the accumulator
};

struct GroupPlan {
  GroupWork work;
  std::vector<std::vector<Rows>> bands; ///< [band][tensor]
  std::vector<Buffer> buffers;          ///< by tensor
  std::vector<Op> ops;
  int acc = -1, sum = -1, plane = -1;

  const View &view(int32_t t) const { return work.tensors[size_t(t)].view; }
  int64_t channels(const GroupInput &i) const {
    return i.unfold ? i.unfold->channels() : inputView(i).shape[1];
  }
  const View &inputView(const GroupInput &i) const {
    return i.tensor >= 0 ? view(i.tensor) : i.view;
  }
  /// Of a convolution's input that its windows see: others are neither loaded nor read.
  static AxisSlice columns(const GroupInput &i) { return *sliceAxis(i.x, 0, i.x.out); }
};

/// Whether an op has weights: it makes its channels block by block.
bool hasWeights(const GroupOp &op) { return op.conv || op.upConv; }
/// Bands and pieces of the result are multiples of it, but the last.
int64_t rowUnit(const GroupOp &op) {
  return op.upConv ? 2 : op.conv && op.conv->rotate ? op.conv->y.kernel : 1;
}

struct At {
  int64_t n = 0;
  size_t band = 0, op = 0, block = 0;
  int64_t from = 0, to = 0; ///< rows of the result that the slice makes
};

bool tiles(const WindowAxis &a) {
  return a.insert + 1 == a.kernel && a.dilation == 1 && a.padBefore == a.kernel - 1 &&
         a.out == a.in * a.kernel;
}

/// Rows of the input that rows [a, b) of the result see; nullopt: none.
std::optional<AxisSlice> inputRows(const GroupInput &i, int64_t a, int64_t b) {
  auto s = sliceAxis(i.y, a, b);
  if (!s || s->padBefore > chip::kMaxPad || s->padAfter > chip::kMaxPad)
    return std::nullopt;
  return s;
}

/// Whether rows [a, b) of a convolution see some of its inputs, with no more padding than a command
/// can say.
bool seesSome(const GroupOp &op, int64_t a, int64_t b) {
  bool some = false;
  for (const GroupInput &i : op.inputs)
    if (sliceAxis(i.y, a, b)) {
      if (!inputRows(i, a, b))
        return false;
      some = true;
    }
  return some;
}

LocalTensor rowsOf(const GroupPlan &p, size_t band, int32_t t, int64_t a, int64_t b,
                   const Addresses &at) {
  const View &v = p.view(t);
  const Buffer &buffer = p.buffers[size_t(t)];
  int64_t offset = buffer.head + (a - p.bands[band][size_t(t)].from) * v.shape[3];
  return {uint32_t(at[size_t(buffer.slot)] + offset * dtypeSize(v.dtype)),
          v.dtype,
          v.shape[1],
          b - a,
          v.shape[3],
          buffer.plane};
}

/// Rows that a band loads of an input from outside.
std::pair<int64_t, int64_t> loadedRows(const GroupPlan &p, const At &at, const GroupInput &i) {
  const Rows &r = p.bands[at.band][size_t(p.work.ops[at.op].result)];
  auto s = inputRows(i, r.from, r.to);
  return s ? std::pair{s->in0, s->in1} : std::pair<int64_t, int64_t>{0, 0};
}

LocalTensor loadedTensor(const GroupPlan &p, const At &at, size_t input, const Addresses &a) {
  const GroupInput &i = p.work.ops[at.op].inputs[input];
  auto [lo, hi] = loadedRows(p, at, i);
  return {a[size_t(p.ops[at.op].loads[input])], i.view.dtype, p.channels(i), hi - lo,
          p.columns(i).inputs()};
}

LocalTensor inputWindow(const GroupPlan &p, const At &at, size_t input, int64_t a, int64_t b,
                        const Addresses &where) {
  const GroupInput &i = p.work.ops[at.op].inputs[input];
  if (i.tensor >= 0) {
    LocalTensor t = rowsOf(p, at.band, i.tensor, a, b, where);
    AxisSlice x = p.columns(i);
    if (x.inputs() < t.w) {
      t.address += uint32_t(x.in0 * t.elementBytes());
      t.pitch = t.w;
      t.w = x.inputs();
    }
    return t;
  }
  LocalTensor t = loadedTensor(p, at, input, where);
  int64_t plane = t.planeElements(), lo = loadedRows(p, at, i).first;
  if (a == lo && b - a == t.h)
    return t;
  t.address += uint32_t((a - lo) * t.w * t.elementBytes());
  t.h = b - a;
  t.plane = plane;
  return t;
}

// Where each input's filter lies in a block's row: the last input's part, with the tables, first.
std::vector<ConvBlockLayout> blockParts(const GroupPlan &p, const At &at) {
  const GroupOp &op = p.work.ops[at.op];
  const Op &o = p.ops[at.op];
  auto [oc0, oc1] = o.blocks[at.block];
  int64_t cells = op.conv->y.kernel * op.conv->x.kernel;
  std::vector<ConvBlockLayout> list(op.inputs.size());
  size_t last = op.inputs.size() - 1;
  list[last] = convBlockLayout(oc1 - oc0, p.channels(op.inputs[last]), cells, true, o.bias);
  int64_t width = list[last].width;
  for (size_t i = 0; i < last; ++i) {
    list[i] = convBlockLayout(oc1 - oc0, p.channels(op.inputs[i]), cells, false, o.bias);
    list[i].filter += width;
    width += list[i].width;
  }
  return list;
}
UpConvLayout upConvLayout(const GroupPlan &p, const At &at) {
  const GroupOp &op = p.work.ops[at.op];
  auto [oc0, oc1] = p.ops[at.op].blocks[at.block];
  return UpConvLayout::of(oc1 - oc0, p.channels(op.inputs[0]), p.channels(op.inputs[1]),
                          p.ops[at.op].biases);
}
int64_t blockWidth(const GroupPlan &p, const At &at) {
  if (p.work.ops[at.op].upConv)
    return upConvLayout(p, at).width;
  int64_t width = 0;
  for (const ConvBlockLayout &l : blockParts(p, at))
    width += l.width;
  return width;
}

class Emitter {
public:
  Emitter(const GroupPlan &p, const At &at, const Addresses &a)
      : p_(p), at_(at), a_(a), op_(p.work.ops[at.op]), o_(p.ops[at.op]),
        buffer_(p.buffers[size_t(op_.result)]) {
    channels_ = {0, p_.view(op_.result).shape[1]};
    if (hasWeights(op_))
      channels_ = o_.blocks[at_.block];
  }

  Instructions compute() {
    if (at_.block == 0 && buffer_.carries)
      keepRows();
    if (op_.upConv)
      convolveUp();
    else if (op_.conv && o_.byCell)
      convolveByCell();
    else if (op_.conv)
      convolveRows();
    else
      runSlots();
    return std::move(list_);
  }

  Instructions store() {
    const View &v = p_.view(op_.result);
    auto [c0, c1] = channels_;
    LocalTensor t = result(at_.from, at_.to);
    t.address += uint32_t((c0 / chip::kLanes - firstSlot()) * t.plane * t.elementBytes());
    t.c = c1 - c0;
    return {
        storeTensor(t, v.part({at_.n, c0, at_.from, 0}, {1, t.c, at_.to - at_.from, v.shape[3]}))};
  }

private:
  LocalTensor result(int64_t a, int64_t b) const {
    if (!buffer_.passing)
      return rowsOf(p_, at_.band, op_.result, a, b, a_);
    const View &v = p_.view(op_.result);
    return {uint32_t(a_[size_t(buffer_.slot)] + (a - at_.from) * v.shape[3] * dtypeSize(v.dtype)),
            v.dtype,
            channels_.second - channels_.first,
            b - a,
            v.shape[3],
            buffer_.plane};
  }
  /// Of the channels that are there.
  int64_t firstSlot() const { return buffer_.passing ? channels_.first / chip::kLanes : 0; }
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
    const Rows &rows = p_.bands[at_.band][size_t(op_.result)];
    if (at_.band == 0 || rows.keep == rows.from)
      return;
    const View &v = p_.view(op_.result);
    const Buffer &b = p_.buffers[size_t(op_.result)];
    int64_t w = v.shape[3], count = rows.from - rows.keep, bytes = dtypeSize(v.dtype);
    uint32_t base = a_[size_t(b.slot)];
    int64_t before = p_.bands[at_.band - 1][size_t(op_.result)].from;
    auto side = [&](int64_t offset) {
      uint32_t begin = uint32_t(base + offset * bytes);
      int64_t last = (chip::slots(0, v.shape[1]) - 1) * b.plane + count * w;
      return std::pair{begin, LaneRange{begin, uint32_t(begin + last * bytes)}};
    };
    auto [to, toRange] = side(b.head - count * w);
    auto [from, fromRange] = side(b.head + (rows.keep - before) * w);
    isa::Strides strides{0, uint64_t(b.plane), uint64_t(w), 1};
    std::array<int64_t, 4> size{1, v.shape[1], count, w};
    if (count * w <= chip::kMaxDim) {
      size = {1, v.shape[1], 1, count * w};
      strides.h = uint64_t(count * w);
    }
    list_.push_back(stridedCopy(v.dtype, size, to, strides, toRange, from, strides, fromRange));
  }

  /// Requantizes `sum` to one slot's rows [a, b); through a plane of its own where those start
  /// inside a 64-byte unit.
  void finish(const LocalTensor &sum, uint32_t table, int64_t slot, int64_t a, int64_t b) {
    LocalTensor to = resultSlot(slot, a, b);
    if (to.isAligned()) {
      list_.push_back(requantize(sum, table, to));
    } else {
      LocalTensor plane = to;
      plane.address = a_[size_t(p_.plane)];
      list_.push_back(requantize(sum, table, plane));
      isa::Strides flat{0, uint64_t(to.planeElements()), uint64_t(to.h * to.w), 1};
      std::array<int64_t, 4> size{1, to.c, 1, to.h * to.w};
      if (to.h * to.w > chip::kMaxDim) {
        size = {1, to.c, to.h, to.w};
        flat.h = uint64_t(to.w);
      }
      LaneRange range{to.address, uint32_t(to.address + to.h * to.w)};
      list_.push_back(
          stridedCopy(to.dtype, size, to.address, flat, range, plane.address, flat, plane.range()));
    }
    complete(to, slot, a);
  }

  void convolveRows() {
    auto parts = blockParts(p_, at_);
    auto [oc0, oc1] = channels_;
    int64_t width = p_.view(op_.result).shape[3];
    for (int64_t s = 0; s < chip::slots(0, oc1 - oc0); ++s) {
      int64_t slot = oc0 / chip::kLanes + s;
      for (int64_t a = at_.from; a < at_.to; a += o_.subRows) {
        int64_t b = std::min(a + o_.subRows, at_.to);
        LocalTensor acc{a_[size_t(p_.acc)], DType::I32,
                        std::min(oc1 - oc0 - s * chip::kLanes, chip::kLanes), b - a, width};
        bool first = true;
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
          c.weights = uint32_t(a_[size_t(o_.weights)] + parts[i].filter + s * parts[i].slotBytes);
          c.weightBytes = parts[i].slotBytes;
          c.weightsSigned = o_.weightsSigned;
          c.padValue = o_.padValue;
          c.accumulate = !first;
          c.accumulator = acc;
          list_.push_back(convolve(c));
          first = false;
        }
        finish(withBias(acc, parts.back(), s),
               uint32_t(a_[size_t(o_.weights)] + s * chip::kEuBytes), slot, a, b);
      }
    }
  }

  LocalTensor withBias(const LocalTensor &acc, const ConvBlockLayout &layout, int64_t s) {
    if (!o_.bias)
      return acc;
    LocalTensor sum = acc;
    sum.address = a_[size_t(p_.sum)];
    list_.push_back(addBias(acc, uint32_t(a_[size_t(o_.weights)] + layout.bias + 4 * s), sum));
    return sum;
  }

  // A transposed convolution whose windows do not overlap: each kernel cell makes every kh-th row
  // and kw-th column of the result.
  void convolveByCell() {
    auto layout = blockParts(p_, at_)[0];
    auto [oc0, oc1] = channels_;
    const GroupInput &in = op_.inputs[0];
    int64_t kh = in.y.kernel, kw = in.x.kernel, width = in.x.in;
    int64_t slots = chip::slots(0, oc1 - oc0), cellBytes = layout.slotBytes / (kh * kw);
    for (int64_t s = 0; s < slots; ++s)
      for (int64_t a = at_.from / kh; a < at_.to / kh; a += o_.subRows) {
        int64_t b = std::min(a + o_.subRows, at_.to / kh), slot = oc0 / chip::kLanes + s;
        LocalTensor to = resultSlot(slot, a * kh, b * kh);
        LocalTensor acc{a_[size_t(p_.acc)], DType::I32, to.c, b - a, width};
        LocalTensor plane{a_[size_t(p_.plane)], to.dtype, to.c, b - a, width};
        for (int64_t cell = 0; cell < kh * kw; ++cell) {
          ConvSlice c;
          c.input = inputWindow(p_, at_, 0, a, b, a_);
          c.y = {0, b - a, 0, b - a, 0, 0};
          c.x = {0, width, 0, width, 0, 0};
          c.axisY.in = c.axisY.out = b - a;
          c.axisX.in = c.axisX.out = width;
          c.weights =
              uint32_t(a_[size_t(o_.weights)] + layout.filter + (cell * slots + s) * cellBytes);
          c.weightBytes = cellBytes;
          c.weightsSigned = o_.weightsSigned;
          c.accumulator = acc;
          list_.push_back(convolve(c));
          LocalTensor sum = withBias(acc, layout, s);
          list_.push_back(
              requantize(sum, uint32_t(a_[size_t(o_.weights)] + s * chip::kEuBytes), plane));
          list_.push_back(
              stridedCopy(to.dtype, {1, to.c, b - a, width},
                          uint32_t(to.address + cell / kw * to.w + cell % kw),
                          {0, uint64_t(to.planeElements()), uint64_t(kh * to.w), uint64_t(kw)},
                          {to.address, uint32_t(to.address + to.h * to.w)}, plane.address,
                          {0, uint64_t(plane.planeElements()), uint64_t(width), 1}, plane.range()));
        }
        complete(to, slot, a * kh);
      }
  }

  void convolveUp() {
    const GroupInput &low = op_.inputs[0];
    const View &v = p_.view(op_.result);
    UpConvSlice s;
    s.x = UpConvBand::of(low.x.in, v.shape[3], 0, v.shape[3]);
    s.constants = a_[size_t(o_.weights)];
    s.layout = upConvLayout(p_, at_);
    s.biases = o_.biases;
    s.accumulator = s.sum = a_[size_t(p_.acc)];
    if (s.biases)
      s.sum = a_[size_t(p_.sum)];
    s.plane = a_[size_t(p_.plane)];
    for (int64_t a = at_.from; a < at_.to; a += o_.subRows) {
      int64_t b = std::min(a + o_.subRows, at_.to);
      s.y = UpConvBand::of(low.y.in, v.shape[2], a, b);
      s.low = inputWindow(p_, at_, 0, s.y.low0, s.y.low1, a_)
                  .window(0, s.y.low1 - s.y.low0, s.x.low0, s.x.low1 - s.x.low0);
      s.skip = inputWindow(p_, at_, 1, s.y.skip0, s.y.skip1, a_)
                   .window(0, s.y.skip1 - s.y.skip0, s.x.skip0, s.x.skip1 - s.x.skip0);
      s.result = result(a, b);
      s.result.address +=
          uint32_t((channels_.first / chip::kLanes - firstSlot()) * s.result.planeElements());
      s.result.c = channels_.second - channels_.first;
      Instructions list = upConv(s);
      for (int64_t slot = 0; slot < s.layout.slots; ++slot)
        for (size_t k = 0; k < list.size() / size_t(s.layout.slots); ++k) {
          list_.push_back(std::move(list[size_t(slot) * list.size() / size_t(s.layout.slots) + k]));
          if (k + 1 == list.size() / size_t(s.layout.slots))
            complete(resultSlot(channels_.first / chip::kLanes + slot, a, b),
                     channels_.first / chip::kLanes + slot, a);
        }
    }
  }

  // Pools and element-wise ops: slot by slot, since their commands know no planes.
  void runSlots() {
    auto y = inputRows(op_.inputs[0], at_.from, at_.to);
    for (int64_t s = 0; s < chip::slots(0, p_.view(op_.result).shape[1]); ++s) {
      LocalTensor to = resultSlot(s, at_.from, at_.to);
      std::vector<LocalTensor> in, scratch;
      for (size_t i = 0; i < op_.inputs.size(); ++i) {
        in.push_back(inputWindow(p_, at_, i, y->in0, y->in1, a_).slotRange(s, 1));
        in.back().plane = 0;
      }
      if (op_.recipe) {
        for (size_t k = 0; k < o_.scratch.size(); ++k) {
          scratch.push_back(to);
          scratch.back().address = a_[size_t(o_.scratch[k])];
          scratch.back().dtype = op_.recipe->scratch[k];
        }
        op_.recipe->emit(list_, in, scratch, to);
      } else {
        const GroupInput &g = op_.inputs[0];
        list_.push_back(maxPool(in[0], *y, p_.columns(g), g.y, g.x, to));
        if (op_.relu && to.dtype == DType::I8)
          list_.push_back(arith(Arith::Max, to, tensorOperand(to), immediateOperand(0, DType::I8)));
      }
      complete(to, s, at_.from);
    }
  }

  const GroupPlan &p_;
  At at_;
  const Addresses &a_;
  const GroupOp &op_;
  const Op &o_;
  const Buffer &buffer_;
  std::pair<int64_t, int64_t> channels_; ///< that the slice makes
  Instructions list_;
};

Instructions loadSlot(const GroupPlan &p, const At &at, const Addresses &a, int slot) {
  const GroupOp &op = p.work.ops[at.op];
  const Op &o = p.ops[at.op];
  Instructions list;
  if (slot == o.weights) {
    const Constant &c = o.constants[at.block];
    auto [oc0, oc1] = o.blocks[at.block];
    list = loadRows(c.buffer, c.offset, std::min(oc1 - oc0, chip::kLanes), blockWidth(p, at),
                    a[size_t(slot)]);
  } else {
    size_t i = size_t(std::find(o.loads.begin(), o.loads.end(), slot) - o.loads.begin());
    const GroupInput &in = op.inputs[i];
    LocalTensor to = loadedTensor(p, at, i, a);
    int64_t lo = loadedRows(p, at, in).first;
    if (in.unfold)
      list = loadUnfolded(*in.unfold, at.n, 0, lo, p.columns(in).in0, to);
    else
      list = {
          loadTensor(in.view.part({at.n, 0, lo, p.columns(in).in0}, {1, to.c, to.h, to.w}), to)};
  }
  for (Instruction &i : list)
    i.layer = op.layer;
  return list;
}

// The filters of all inputs side by side, a row a lane.
void materialize(GroupPlan &p, const AddConstant &addConstant) {
  for (size_t k = 0; k < p.ops.size(); ++k) {
    const GroupOp &op = p.work.ops[k];
    if (!hasWeights(op))
      continue;
    std::vector<uint8_t> bytes;
    for (size_t block = 0; block < p.ops[k].blocks.size(); ++block) {
      auto [oc0, oc1] = p.ops[k].blocks[block];
      int64_t width = blockWidth(p, {0, 0, k, block}), rows = std::min(oc1 - oc0, chip::kLanes);
      std::vector<uint8_t> lanes(size_t(rows * width));
      if (const UpConv *u = op.upConv)
        lanes = packUpConv(u->low, u->skip, u->bias, u->multiplier, u->rshift, oc0, oc1,
                           p.ops[k].biases);
      int64_t at = 0;
      auto append = [&](size_t i, bool tail) {
        int64_t ic0 = 0;
        for (size_t j = 0; j < i; ++j)
          ic0 += p.channels(op.inputs[j]);
        const ConvWork &w = *op.conv;
        ConvBlock b =
            packConvBlock(w.filter, p.ops[k].bias ? &w.bias : nullptr, w.multiplier, w.rshift, oc0,
                          oc1, ic0, ic0 + p.channels(op.inputs[i]), tail, p.ops[k].byCell);
        for (int64_t r = 0; r < rows; ++r)
          std::copy_n(b.bytes.begin() + r * b.width, b.width, lanes.begin() + r * width + at);
        at += b.width;
      };
      size_t last = op.inputs.size() - 1;
      if (op.conv) {
        append(last, true);
        for (size_t i = 0; i < last; ++i)
          append(i, false);
      }
      p.ops[k].constants[block].offset = bytes.size();
      auto packed = packRows(lanes, rows, width);
      bytes.insert(bytes.end(), packed.begin(), packed.end());
      bytes.resize(size_t(chip::alignUp(int64_t(bytes.size()), chip::kEuBytes)));
    }
    int32_t buffer = addConstant(std::move(bytes));
    for (Constant &c : p.ops[k].constants)
      c.buffer = buffer;
  }
}

/// The rows of every tensor by band; empty if the group cannot run in that many.
std::vector<std::vector<Rows>> makeBands(const GroupWork &work, int64_t count) {
  size_t tensors = work.tensors.size();
  std::vector<std::vector<int64_t>> to(size_t(count), std::vector<int64_t>(tensors, 0));
  auto height = [&](int32_t t) { return work.tensors[size_t(t)].view.shape[2]; };
  // Backward: what the readers need, at least.
  for (size_t k = work.ops.size(); k-- > 0;) {
    int32_t t = work.ops[k].result;
    int64_t h = height(t);
    int64_t unit = rowUnit(work.ops[k]);
    for (int64_t b = 0; b < count; ++b) {
      int64_t need = 0;
      bool read = false;
      for (size_t m = k + 1; m < work.ops.size(); ++m)
        for (const GroupInput &i : work.ops[m].inputs)
          if (i.tensor == t) {
            read = true;
            if (auto s = sliceAxis(i.y, 0, to[size_t(b)][size_t(work.ops[m].result)]))
              need = std::max(need, s->in1);
          }
      if (!read)
        need = h * (b + 1) / count;
      if (b + 1 == count)
        need = h;
      to[size_t(b)][size_t(t)] = std::min(chip::alignUp(need, unit), h);
    }
  }
  // Forward: pools and element-wise ops take all there is.
  for (const GroupOp &op : work.ops) {
    if (hasWeights(op))
      continue;
    for (int64_t b = 0; b + 1 < count; ++b) {
      int64_t most = height(op.result);
      for (const GroupInput &i : op.inputs)
        if (i.tensor >= 0) {
          int64_t there = to[size_t(b)][size_t(i.tensor)];
          int64_t whole = there == height(i.tensor)
                              ? i.y.out
                              : (there + i.y.padBefore - i.y.extent()) / i.y.stride + 1;
          most = std::min(most, std::max<int64_t>(whole, 0));
        }
      to[size_t(b)][size_t(op.result)] = most;
    }
  }
  std::vector<std::vector<Rows>> bands;
  bands.assign(size_t(count), std::vector<Rows>(tensors));
  for (size_t b = 0; b < size_t(count); ++b)
    for (const GroupOp &op : work.ops) {
      Rows &r = bands[b][size_t(op.result)];
      r.from = b ? to[b - 1][size_t(op.result)] : 0;
      r.to = to[b][size_t(op.result)];
      if (r.to <= r.from)
        return {};
      r.keep = r.from;
    }
  for (size_t b = 1; b < size_t(count); ++b)
    for (const GroupOp &op : work.ops) {
      const Rows &out = bands[b][size_t(op.result)];
      for (const GroupInput &i : op.inputs)
        if (i.tensor >= 0)
          if (auto s = sliceAxis(i.y, out.from, out.to)) {
            Rows &in = bands[b][size_t(i.tensor)];
            in.keep = std::min(in.keep, s->in0);
            if (s->in1 > in.to || in.keep < bands[b - 1][size_t(i.tensor)].from)
              return {};
          }
    }
  return bands;
}

/// How a group is cut.
struct Cut {
  int64_t bands = 1;
  int64_t residentBytes = 0; ///< weights of an op that take more of a lane are loaded in each band
  int64_t accBytes = 0;
};

/// As few rows as a store can have without paying a page factor (reference cycles.md 3.1: more than
/// three pages of 4 KiB a channel), at which the op's commands can start.
int64_t passingRows(const GroupOp &op, const View &result) {
  constexpr int64_t kPages = 3 * 4096;
  int64_t row = result.shape[3] * dtypeSize(result.dtype), rows = kPages / row + 1;
  if (hasWeights(op))
    return chip::alignUp(rows, rowUnit(op));
  int64_t unit = 1;
  for (const GroupInput &i : op.inputs)
    unit = std::lcm(unit, chip::kEuBytes / std::gcd(chip::kEuBytes, i.y.stride * i.x.in));
  return chip::alignUp(rows, unit);
}

std::optional<LayerPlan> build(const GroupWork &work, const Cut &cut, const Options &options) {
  auto p = std::make_shared<GroupPlan>();
  p->bands = makeBands(work, cut.bands);
  if (p->bands.empty())
    return std::nullopt;
  p->work = work;
  p->buffers.resize(work.tensors.size());
  p->ops.resize(work.ops.size());
  int64_t batch = p->view(work.ops[0].result).shape[0];
  LayerPlan plan;
  auto slot = [&](SlotSpec s) {
    plan.slots.push_back(std::move(s));
    return int(plan.slots.size()) - 1;
  };
  int deep = options.overlap ? 2 : 1;
  bool several = cut.bands * batch > 1;

  // Tensors: head room for the rows that are kept, on a 64-byte boundary.
  for (const GroupOp &op : work.ops) {
    Buffer &b = p->buffers[size_t(op.result)];
    const View &v = p->view(op.result);
    int64_t unit = chip::kEuBytes / dtypeSize(v.dtype), kept = 0;
    for (const auto &band : p->bands) {
      const Rows &r = band[size_t(op.result)];
      kept = std::max(kept, r.from - r.keep);
      b.newRows = std::max(b.newRows, r.to - r.from);
    }
    b.carries = kept > 0;
    b.passing = std::none_of(work.ops.begin(), work.ops.end(), [&](const GroupOp &reader) {
      return std::any_of(reader.inputs.begin(), reader.inputs.end(),
                         [&](const GroupInput &i) { return i.tensor == op.result; });
    });
    if (b.passing)
      b.newRows = std::min(b.newRows, passingRows(op, v));
    b.head = chip::alignUp(kept * v.shape[3], unit);
    b.plane = chip::alignUp(b.head + b.newRows * v.shape[3], unit);
    int64_t slots = chip::slots(0, v.shape[1]);
    if (slots > 1 && b.plane > chip::kMaxDim)
      return std::nullopt;
  }
  int64_t accBytes = 0, planeBytes = 0;
  bool bias = false;
  for (size_t k = 0; k < work.ops.size(); ++k) {
    const GroupOp &op = work.ops[k];
    Op &o = p->ops[k];
    const View &out = p->view(op.result);
    const Buffer &b = p->buffers[size_t(op.result)];
    // What an input's slot must hold, and whether commands without strides can read it.
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      const GroupInput &in = op.inputs[i];
      auto x = sliceAxis(in.x, 0, in.x.out);
      if (!x || x->padBefore > chip::kMaxPad || x->padAfter > chip::kMaxPad)
        return std::nullopt;
      if (in.tensor >= 0 && !hasWeights(op) && x->inputs() != p->view(in.tensor).shape[3])
        return std::nullopt;
      int64_t bytes = 0;
      for (size_t band = 0; band < p->bands.size(); ++band) {
        const Rows &r = p->bands[band][size_t(op.result)];
        auto s = inputRows(in, r.from, r.to);
        if (!s)
          return std::nullopt;
        if (!hasWeights(op) && b.newRows < r.to - r.from) // in several slices
          for (int64_t a = r.from; a < r.to; a += b.newRows)
            if (!inputRows(in, a, std::min(a + b.newRows, r.to)))
              return std::nullopt;
        if (in.tensor < 0)
          bytes = std::max(bytes, chip::alignedLaneBytes(0, 1, p->channels(in), s->inputs(),
                                                         p->columns(in).inputs(),
                                                         dtypeSize(in.view.dtype)));
        else if (!hasWeights(op)) {
          const View &v = p->view(in.tensor);
          const Buffer &from = p->buffers[size_t(in.tensor)];
          int64_t first =
              from.head + (s->in0 - p->bands[band][size_t(in.tensor)].from) * v.shape[3];
          if (first * dtypeSize(v.dtype) % chip::kEuBytes)
            return std::nullopt;
        }
      }
      if (in.tensor < 0 && hasWeights(op) && chip::slots(0, p->channels(in)) > 1 &&
          bytes / chip::slots(0, p->channels(in)) > chip::kMaxDim)
        return std::nullopt;
      o.loads.push_back(in.tensor >= 0 ? -1
                                       : slot({fmt::format("input{}.{}", k, i), bytes,
                                               several ? deep : 1, true, false, false}));
    }
    if (!hasWeights(op))
      continue;
    const GroupInput &in = op.inputs[0];
    if (op.upConv) {
      o.biases = upConvBiases(op.upConv->bias);
      o.bias = o.biases > 0;
      if (2 * out.shape[3] > chip::kMaxArStride)
        return std::nullopt;
    } else {
      const ConvWork &w = *op.conv;
      o.bias = !w.bias.empty();
      o.weightsSigned = w.filter.dtype() == DType::I8;
      o.padValue = w.padValue.empty() ? 0 : w.padValue[0];
      o.byCell = w.rotate && tiles(in.y) && tiles(in.x) && in.y.kernel * in.x.kernel > 1 &&
                 op.inputs.size() == 1 && in.y.kernel * in.x.out <= chip::kMaxArStride;
    }
    bias |= o.bias;
    int64_t width = o.byCell ? in.x.in : out.shape[3];
    int64_t most = o.byCell ? chip::ceilDiv(b.newRows, in.y.kernel) : b.newRows;
    o.subRows = std::clamp<int64_t>(cut.accBytes / (4 * width), 1, most);
    if (op.upConv) { // a quarter of the result at a time
      o.subRows = chip::alignUp(std::clamp<int64_t>(cut.accBytes / width, 2, most), 2);
      int64_t h = chip::ceilDiv(o.subRows, 2), w = chip::ceilDiv(width, 2);
      accBytes = std::max(accBytes, chip::alignedLaneBytes(0, 1, 1, h, w, 4));
      planeBytes = std::max(planeBytes, chip::alignedLaneBytes(0, 1, 1, h, w, 1));
    } else {
      accBytes = std::max(accBytes, chip::alignedLaneBytes(0, 1, 1, o.subRows, width, 4));
    }
    // Sub-bands that start on 64-byte boundaries need no copy behind the requantization.
    if (op.conv && !o.byCell && o.subRows < most && o.subRows * width % chip::kEuBytes) {
      int64_t unit = chip::kEuBytes / std::gcd(chip::kEuBytes, width);
      if (o.subRows >= unit)
        o.subRows = o.subRows / unit * unit;
    }
    if (o.byCell || (op.conv && o.subRows < most && o.subRows * width % chip::kEuBytes))
      planeBytes = std::max(planeBytes, chip::alignedLaneBytes(0, 1, 1, o.subRows, width, 1));
    for (const auto &band : p->bands)
      if (const Rows &r = band[size_t(op.result)]; op.conv && !o.byCell)
        for (int64_t from = r.from; from < r.to; from += b.newRows)
          for (int64_t a = from, to = std::min(from + b.newRows, r.to); a < to; a += o.subRows)
            if (!seesSome(op, a, std::min(a + o.subRows, to)))
              return std::nullopt;
    // Weights: all of them at once and for good, or block after block.
    int64_t oc = out.shape[1];
    o.blocks = {{0, oc}};
    int64_t all = blockWidth(*p, {0, 0, k, 0});
    o.resident = all <= cut.residentBytes;
    if (!o.resident || !several) {
      o.blocks.clear();
      for (int64_t c = 0; c < oc; c += chip::kLanes)
        o.blocks.emplace_back(c, std::min(c + chip::kLanes, oc));
    }
    int64_t most1 = 0;
    for (size_t block = 0; block < o.blocks.size(); ++block)
      most1 = std::max(most1, blockWidth(*p, {0, 0, k, block}));
    int copies = o.blocks.size() == 1 ? 1 : o.resident ? int(o.blocks.size()) : deep;
    o.weights = slot({fmt::format("weights{}", k), most1, copies, true, false, false});
    o.constants.resize(o.blocks.size());
  }
  // The requantize source wants to start in a bank of its own.
  if (bias)
    p->sum = slot({"sum", accBytes, 1, false, false, true});
  p->acc = slot({"acc", accBytes, 1, false, false, !bias});
  if (planeBytes)
    p->plane = slot({"plane", planeBytes, 1, false, false, false});
  for (size_t k = 0; k < work.ops.size(); ++k) {
    const GroupOp &op = work.ops[k];
    const View &v = p->view(op.result);
    Buffer &b = p->buffers[size_t(op.result)];
    bool stored = work.tensors[size_t(op.result)].stored;
    int64_t channels = v.shape[1];
    bool more = several;
    if (b.passing) {
      if (hasWeights(op))
        channels = p->ops[k].blocks[0].second;
      more = several || p->ops[k].blocks.size() > 1 || b.newRows < v.shape[2];
    }
    b.slot =
        slot({fmt::format("tensor{}", k), chip::slots(0, channels) * b.plane * dtypeSize(v.dtype),
              more && stored && !b.carries ? deep : 1, false, b.carries, false});
    if (op.recipe)
      for (DType t : op.recipe->scratch)
        p->ops[k].scratch.push_back(
            slot({fmt::format("scratch{}", plan.slots.size()),
                  chip::alignedLaneBytes(0, 1, 1, b.newRows, v.shape[3], dtypeSize(t)), 1, false,
                  false, false}));
  }
  plan.lifetimes = !several;
  if (!plan.lifetimes && plan.localBytes(options.localBytes) > options.localBytes)
    return std::nullopt;

  int64_t passed = 0; // contents of passing buffers
  auto addSlice = [&](const At &at) {
    const GroupOp &op = work.ops[at.op];
    const Op &o = p->ops[at.op];
    int64_t number = at.n * int64_t(p->bands.size()) + int64_t(at.band);
    auto tensorUse = [&](int32_t t) -> SlotUse {
      const Buffer &b = p->buffers[size_t(t)];
      if (b.passing)
        return {b.slot, passed++};
      return {b.slot, plan.slots[size_t(b.slot)].copies > 1 ? number : 0};
    };
    SliceWork s;
    if (hasWeights(op)) {
      int64_t blocks = int64_t(o.blocks.size()), block = int64_t(at.block);
      s.inputs.push_back({o.weights, o.resident || blocks == 1 ? block : number * blocks + block});
      for (int scratch : {p->sum, p->acc, p->plane})
        if (scratch >= 0)
          s.work.push_back({scratch, 0});
    }
    for (size_t i = 0; i < op.inputs.size(); ++i)
      if (op.inputs[i].tensor < 0)
        s.inputs.push_back({o.loads[i], number});
      else
        s.work.push_back(tensorUse(op.inputs[i].tensor));
    for (int scratch : o.scratch)
      s.work.push_back({scratch, 0});
    s.work.push_back(tensorUse(op.result));
    s.load = [p, at](const Addresses &a, int which) { return loadSlot(*p, at, a, which); };
    auto owned = [layer = op.layer](Instructions list) {
      for (Instruction &i : list)
        i.layer = layer;
      return list;
    };
    s.compute = [p, at, owned](const Addresses &a) { return owned(Emitter(*p, at, a).compute()); };
    if (work.tensors[size_t(op.result)].stored)
      s.store = [p, at, owned](const Addresses &a) { return owned(Emitter(*p, at, a).store()); };
    plan.slices.push_back(std::move(s));
  };
  for (int64_t n = 0; n < batch; ++n)
    for (size_t band = 0; band < p->bands.size(); ++band)
      for (size_t k = 0; k < work.ops.size(); ++k) {
        const Rows &r = p->bands[band][size_t(work.ops[k].result)];
        size_t blocks = hasWeights(work.ops[k]) ? p->ops[k].blocks.size() : 1;
        int64_t step = p->buffers[size_t(work.ops[k].result)].newRows;
        for (size_t block = 0; block < blocks; ++block)
          for (int64_t from = r.from; from < r.to; from += step)
            addSlice({n, band, k, block, from, std::min(from + step, r.to)});
      }
  plan.period = plan.slices.size() / size_t(batch * cut.bands);
  plan.materialize = [p](const AddConstant &addConstant) { materialize(*p, addConstant); };
  int64_t rows = p->bands.back()[size_t(work.ops.back().result)].to -
                 p->bands.back()[size_t(work.ops.back().result)].from;
  plan.cut = fmt::format("group of {} ops, {} bands, {} rows of the last", work.ops.size(),
                         cut.bands, rows);
  return plan;
}

} // namespace

WindowAxis upConvAxis(int64_t in, int64_t out) { return {in, out, 1, 1, 1, 4, 2}; }

std::optional<LayerPlan> planGroup(const GroupWork &work, const Options &options) {
  struct Candidate {
    uint64_t estimate;
    LayerPlan plan;
  };
  std::vector<Candidate> best; // by estimate, which counts no pauses
  constexpr size_t kTried = 4;
  int64_t h = work.tensors[size_t(work.ops.back().result)].view.shape[2];
  int kept = 0;
  for (int64_t bands = 1; bands <= h && kept < 4;) {
    bool fits = false;
    for (int64_t resident : {chip::kLaneBytes, int64_t(32768), int64_t(0)})
      for (int64_t acc : {32768, 16384}) {
        auto plan = build(work, {bands, resident, acc}, options);
        if (!plan || !fitsLocalMemory(*plan, options.localBytes))
          continue;
        fits = true;
        uint64_t estimate = estimateCycles(*plan, options.localBytes);
        auto at = std::upper_bound(best.begin(), best.end(), estimate,
                                   [](uint64_t e, const Candidate &c) { return e < c.estimate; });
        best.insert(at, {estimate, std::move(*plan)});
        if (best.size() > kTried)
          best.pop_back();
      }
    kept += fits;
    bands += std::max<int64_t>(1, bands / (fits ? 2 : 8));
  }
  std::optional<LayerPlan> chosen;
  uint64_t cycles = 0;
  for (Candidate &c : best)
    if (!chosen || c.estimate < cycles)
      if (uint64_t t = aloneCycles(c.plan, options); !chosen || t < cycles) {
        cycles = t;
        chosen = std::move(c.plan);
      }
  return chosen;
}

} // namespace tessera::schedule
