#include "tessera/schedule/group_cut.h"

#include "tessera/codegen/deconv.h"
#include "tessera/codegen/depthwise.h"
#include "tessera/schedule/group_constants.h"
#include "tessera/schedule/group_emit.h"
#include "tessera/schedule/group_resize.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <numeric>

namespace tessera::schedule {
namespace {

using namespace codegen;

/// As few rows as a store can have without paying a page factor (reference cycles.md 3.1: more than
/// three pages of 4 KiB a channel), at which the op's commands can start.
int64_t passingRows(const GroupOp &op, const View &result) {
  constexpr int64_t kPages = 3 * 4096;
  int64_t row = result.shape[3] * dtypeSize(result.dtype), rows = kPages / row + 1;
  if (op.hasWeights())
    return chip::alignUp(rows, op.rowUnit());
  int64_t unit = 1;
  for (const GroupInput &i : op.inputs)
    unit = std::lcm(unit, chip::kEuBytes / std::gcd(chip::kEuBytes, i.y.stride * i.x.in));
  return chip::alignUp(rows, unit);
}

/// One plan: the slots of every op in order, then the slices.
class GroupPlanner {
public:
  GroupPlanner(const GroupCut &cut, const Options &options)
      : cut_(cut), options_(options), deep_(options.overlap ? 2 : 1),
        p_(std::make_shared<GroupPlan>()) {}

  /// nullopt if the group cannot be cut so.
  std::optional<LayerPlan> plan(const GroupWork &work, const GroupBands &bands) {
    p_->bands = bands;
    p_->work = work;
    p_->buffers.resize(work.tensors.size());
    p_->steps.resize(work.ops.size());
    batch_ = p_->view(work.ops[0].result).shape[0];
    several_ = cut_.bands * batch_ > 1;
    if (!measureTensors())
      return std::nullopt;
    for (size_t k = 0; k < p_->work.ops.size(); ++k)
      if (!placeInputs(k) || (p_->work.ops[k].hasWeights() && !placeWeights(k)))
        return std::nullopt;
    // The requantize source wants to start in a bank of its own.
    if (bias_)
      p_->sum = plan_.addSlot({"sum", accBytes_, 1, true});
    p_->acc = plan_.addSlot({"acc", accBytes_, 1, !bias_});
    if (planeBytes_)
      p_->plane = plan_.addSlot({"plane", planeBytes_});
    if (windowBytes_)
      p_->window = plan_.addSlot({"window", windowBytes_});
    for (size_t k = 0; k < p_->work.ops.size(); ++k)
      placeResult(k);
    plan_.lifetimes = !several_;
    if (!plan_.lifetimes && plan_.localBytes(options_.localBytes) > options_.localBytes)
      return std::nullopt;
    addSlices();
    plan_.materialize = [p = p_](const AddConstant &add) { addGroupConstants(*p, add); };
    const BandRows &last = p_->bands.back()[size_t(p_->work.ops.back().result)];
    auto kept = cut_.residentBytes == 0 ? std::string("streamed")
                : cut_.residentBytes < chip::kLaneBytes
                    ? fmt::format("up to {} bytes kept", cut_.residentBytes)
                    : "kept";
    plan_.cut =
        fmt::format("{} ops in {} bands, {} rows of the last, weights {}, sums of {} bytes",
                    p_->work.ops.size(), cut_.bands, last.to - last.from, kept, cut_.accBytes);
    if (cut_.shares)
      plan_.cut += ", common inputs loaded once";
    for (const GroupOp &op : p_->work.ops)
      for (const GroupInput &i : op.inputs)
        if (i.unfold)
          plan_.cut += i.x.kernel > 1 ? ", kernel rows unfolded into channels"
                                      : ", window unfolded into channels";
    return std::move(plan_);
  }

private:
  /// An input from outside and its rows in each band: ops that read the same share a slot.
  struct Loaded {
    GroupInput input;
    std::vector<Range> rows;
    int slot;

    bool sameContents(const Loaded &o) const {
      AxisSlice x = GroupPlan::columns(input), other = GroupPlan::columns(o.input);
      return !input.unfold && !o.input.unfold && input.view == o.input.view && rows == o.rows &&
             x.in0 == other.in0 && x.in1 == other.in1;
    }
  };

  bool isRead(int32_t tensor) const {
    for (const GroupOp &op : p_->work.ops)
      for (const GroupInput &i : op.inputs)
        if (i.tensor == tensor)
          return true;
    return false;
  }

  /// Rows and head room of every tensor: new rows start on a 64-byte boundary, kept ones lie
  /// before.
  bool measureTensors() {
    for (const GroupOp &op : p_->work.ops) {
      GroupBuffer &b = p_->buffers[size_t(op.result)];
      const View &v = p_->view(op.result);
      int64_t unit = chip::kEuBytes / dtypeSize(v.dtype), kept = 0;
      for (const auto &band : p_->bands) {
        const BandRows &r = band[size_t(op.result)];
        kept = std::max(kept, r.from - r.keep);
        b.newRows = std::max(b.newRows, r.to - r.from);
      }
      b.carries = kept > 0;
      b.passing = !isRead(op.result);
      if (b.passing)
        b.newRows = std::min(b.newRows, passingRows(op, v));
      b.head = chip::alignUp(kept * v.shape[3], unit);
      b.plane = chip::alignUp(b.head + b.newRows * v.shape[3], unit);
      if (chip::slots(0, v.shape[1]) > 1 && b.plane > chip::kMaxDim)
        return false;
    }
    return true;
  }

  /// The slots of what op k loads; whether its commands can read all of its inputs.
  bool placeInputs(size_t k) {
    const GroupOp &op = p_->work.ops[k];
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      const GroupInput &in = op.inputs[i];
      auto x = sliceAxis(in.x, 0, in.x.out);
      if (!x || x->padBefore > chip::kMaxPad || x->padAfter > chip::kMaxPad)
        return false;
      if (in.tensor >= 0 && !op.hasWeights() && x->inputs() != p_->view(in.tensor).shape[3])
        return false;
      int64_t rows = 0; // at most, of a band
      Loaded loaded{in, {}, -1};
      for (size_t band = 0; band < p_->bands.size(); ++band) {
        auto s = readRows(op, in, band);
        if (!s)
          return false;
        rows = std::max(rows, s->inputs());
        loaded.rows.emplace_back(s->in0, s->in1);
      }
      if (in.tensor >= 0) {
        p_->steps[k].loads.push_back(-1);
        continue;
      }
      if (auto same = std::ranges::find_if(loaded_,
                                           [&](const Loaded &l) { return l.sameContents(loaded); });
          cut_.shares && same != loaded_.end()) {
        p_->steps[k].loads.push_back(same->slot);
        continue;
      }
      int64_t channels = p_->channels(in), slots = chip::slots(0, channels);
      int64_t element = dtypeSize(in.view.dtype);
      int64_t bytes = chip::alignedLaneBytes(0, 1, channels, in.repeats() ? 1 : rows,
                                             in.repeats() ? 1 : x->inputs(), element);
      if (op.hasWeights() && slots > 1 && bytes / element / slots > chip::kMaxConvStride)
        return false;
      loaded.slot = plan_.addSlot({fmt::format("input{}.{}", k, i), bytes, several_ ? deep_ : 1});
      p_->steps[k].loads.push_back(loaded.slot);
      loaded_.push_back(std::move(loaded));
    }
    return true;
  }

  /// The rows of an input that a band reads; nullopt if some of its commands cannot.
  std::optional<AxisSlice> readRows(const GroupOp &op, const GroupInput &in, size_t band) const {
    const BandRows &r = p_->bands[band][size_t(op.result)];
    auto s = inputRows(in, r.from, r.to);
    if (!s || op.hasWeights())
      return s;
    // Commands without strides, a few rows each.
    int64_t step = p_->buffers[size_t(op.result)].newRows;
    for (int64_t a = r.from; a < r.to && step < r.to - r.from; a += step)
      if (!inputRows(in, a, std::min(a + step, r.to)))
        return std::nullopt;
    if (in.tensor >= 0 && !op.resizes()) {
      const View &v = p_->view(in.tensor);
      int64_t first = p_->buffers[size_t(in.tensor)].head +
                      (s->in0 - p_->bands[band][size_t(in.tensor)].from) * v.shape[3];
      if (first * dtypeSize(v.dtype) % chip::kEuBytes)
        return std::nullopt;
    }
    return s;
  }

  bool placeWeights(size_t k) {
    const GroupOp &op = p_->work.ops[k];
    GroupStep &step = p_->steps[k];
    if (op.upConv) {
      step.biases = upConvBiases(op.upConv->bias);
      step.bias = step.biases > 0;
      if (2 * p_->view(op.result).shape[3] > chip::kMaxArStride)
        return false;
    } else {
      const ConvWork &w = *op.conv;
      step.bias = !w.bias.empty();
      step.biasInside = step.bias && (w.floats() || (w.depthwise && biasFitsSum(w.filter, w.bias)));
      step.weightsSigned = w.filter.dtype() == DType::I8;
      step.padValue = w.padValue.empty() ? 0 : w.padValue[0];
      step.byPhases = options_.phases && w.rotate && op.inputs.size() == 1 &&
                      runsByPhases(w.input.dtype, op.inputs[0].y, op.inputs[0].x);
    }
    bias_ |= step.bias && !step.biasInside;
    chooseSubRows(k);
    if (!everySumSeesInput(k)) {
      if (!step.byPhases)
        return false;
      step.byPhases = false; // over inserted zeros
      chooseSubRows(k);
      if (!everySumSeesInput(k))
        return false;
    }
    if (op.conv && op.conv->depthwise)
      measureWindow(k);
    cutWeights(k);
    return true;
  }

  /// How many rows op k sums up at a time, and what its sums and unfinished results take.
  void chooseSubRows(size_t k) {
    const GroupOp &op = p_->work.ops[k];
    GroupStep &step = p_->steps[k];
    const View &out = p_->view(op.result);
    int64_t newRows = p_->buffers[size_t(op.result)].newRows, bytes = dtypeSize(out.dtype);
    step.subRows = newRows;
    if (op.sumsInPlace() && !step.byPhases)
      return;
    int64_t h, w; // of the accumulator
    bool plane = op.upConv || step.byPhases;
    if (op.upConv) { // a quarter of the result at a time
      int64_t rows = std::clamp<int64_t>(cut_.accBytes / out.shape[3], 2, newRows);
      step.subRows = chip::alignUp(rows, 2);
      h = chip::ceilDiv(step.subRows, 2);
      w = chip::ceilDiv(out.shape[3], 2);
      accBytes_ = std::max(accBytes_, chip::alignedLaneBytes(0, 1, 1, h, w, 4));
    } else {
      // Rows and columns of the result for one of the sums.
      int64_t each = step.byPhases ? op.inputs[0].y.insert + 1 : 1;
      w = step.byPhases ? chip::ceilDiv(out.shape[3], op.inputs[0].x.insert + 1) : out.shape[3];
      int64_t most = chip::ceilDiv(newRows, each);
      h = std::clamp<int64_t>(cut_.accBytes / (4 * w), 1, most);
      step.subRows = h * each;
      if (!op.sumsInPlace())
        accBytes_ = std::max(accBytes_, chip::alignedLaneBytes(0, 1, 1, h, w, 4));
      // Sub-bands that start on 64-byte boundaries need no copy behind the requantization.
      bool cut = !step.byPhases && step.subRows < most;
      int64_t unit = chip::kEuBytes / std::gcd(chip::kEuBytes, w * bytes);
      if (cut && step.subRows >= unit)
        step.subRows = step.subRows / unit * unit;
      plane |= cut && step.subRows % unit;
      if (cut)
        h = step.subRows;
    }
    if (plane)
      planeBytes_ = std::max(planeBytes_, chip::alignedLaneBytes(0, 1, 1, h, w, bytes));
  }

  bool everySumSeesInput(size_t k) const {
    const GroupOp &op = p_->work.ops[k];
    const GroupStep &step = p_->steps[k];
    if (op.upConv)
      return true;
    const WindowAxis &y = op.inputs[0].y, &x = op.inputs[0].x;
    bool all = !step.byPhases || phasesSeeInput(x, 0, x.out);
    if (step.byPhases) {
      eachSum(k, [&](size_t, int64_t a, int64_t b) { all = all && phasesSeeInput(y, a, b); });
      return all;
    }
    eachSum(k, [&](size_t, int64_t a, int64_t b) { all = all && seesSome(op, a, b); });
    return all;
  }

  /// The rows of the result that op k sums up at once: f(band, from, to).
  template <class F> void eachSum(size_t k, F f) const {
    int32_t result = p_->work.ops[k].result;
    int64_t newRows = p_->buffers[size_t(result)].newRows, subRows = p_->steps[k].subRows;
    for (size_t band = 0; band < p_->bands.size(); ++band) {
      const BandRows &r = p_->bands[band][size_t(result)];
      for (int64_t from = r.from; from < r.to; from += newRows)
        for (int64_t a = from, to = std::min(from + newRows, r.to); a < to; a += subRows)
          f(band, a, std::min(a + subRows, to));
    }
  }

  /// What has to be copied before a command without strides can read it.
  void measureWindow(size_t k) {
    const GroupOp &op = p_->work.ops[k];
    const GroupInput &in = op.inputs[0];
    AxisSlice x = p_->columns(in);
    const View &v = p_->inputView(in);
    bool inside = in.tensor >= 0;
    int64_t width = inside ? v.shape[3] : x.inputs();
    eachSum(k, [&](size_t band, int64_t a, int64_t b) {
      auto y = inputRows(in, a, b);
      const BandRows &r = p_->bands[band][size_t(op.result)];
      int64_t row =
          inside ? p_->bands[band][size_t(in.tensor)].from : inputRows(in, r.from, r.to)->in0;
      int64_t first =
          (y->in0 - row) * width + (inside ? p_->buffers[size_t(in.tensor)].head + x.in0 : 0);
      if (first * dtypeSize(v.dtype) % chip::kEuBytes || x.inputs() != width)
        windowBytes_ =
            std::max(windowBytes_,
                     chip::alignedLaneBytes(0, 1, 1, y->inputs(), x.inputs(), dtypeSize(v.dtype)));
    });
  }

  /// Weights: all of them at once and for good, or block after block.
  void cutWeights(size_t k) {
    GroupStep &step = p_->steps[k];
    int64_t oc = p_->view(p_->work.ops[k].result).shape[1];
    step.blocks = {{0, oc}};
    step.resident = blockWidth(*p_, k, 0) <= cut_.residentBytes;
    if (!step.resident || !several_)
      step.blocks = channelBlocks(oc, 1);
    step.offset.resize(step.blocks.size());
    int64_t widest = 0;
    for (size_t block = 0; block < step.blocks.size(); ++block)
      widest = std::max(widest, blockWidth(*p_, k, block));
    int blocks = int(step.blocks.size());
    int copies = blocks == 1 ? 1 : step.resident ? blocks : deep_;
    step.weights = plan_.addSlot({fmt::format("weights{}", k), widest, copies});
  }

  /// The slot of what op k makes, and its recipe's scratch.
  void placeResult(size_t k) {
    const GroupOp &op = p_->work.ops[k];
    GroupStep &step = p_->steps[k];
    const View &v = p_->view(op.result);
    GroupBuffer &b = p_->buffers[size_t(op.result)];
    int64_t channels = v.shape[1];
    bool more = several_; // contents one after another
    if (b.passing) {
      if (op.hasWeights())
        channels = step.blocks[0].second;
      more = several_ || step.blocks.size() > 1 || b.newRows < v.shape[2];
    }
    bool stored = p_->work.tensors[size_t(op.result)].stored;
    b.slot = plan_.addSlot({fmt::format("tensor{}", k),
                            chip::slots(0, channels) * b.plane * dtypeSize(v.dtype),
                            more && stored && !b.carries ? deep_ : 1});
    if (op.recipe)
      for (DType t : op.recipe->scratch)
        step.scratch.push_back(plan_.addSlot(
            {fmt::format("scratch{}", plan_.slots.size()),
             chip::alignedLaneBytes(0, 1, 1, b.newRows, v.shape[3], dtypeSize(t)), 1}));
    if (op.resizes())
      placeResize(k);
  }

  /// What a slot of channels of a resize works on: of the slice that takes most.
  void placeResize(size_t k) {
    const GroupOp &op = p_->work.ops[k];
    const View &v = p_->view(op.result);
    std::array<int64_t, 3> bytes{};
    for (const auto &band : p_->bands) {
      const BandRows &r = band[size_t(op.result)];
      for (int64_t a = r.from; a < r.to; a += p_->buffers[size_t(op.result)].newRows) {
        int64_t b = std::min(a + p_->buffers[size_t(op.result)].newRows, r.to);
        auto one = resizeScratch(op, v.dtype, {*inputRows(op.inputs[0], a, b), a, b}, v.shape[3]);
        for (size_t i = 0; i < bytes.size(); ++i)
          bytes[i] = std::max(bytes[i], one[i]);
      }
    }
    for (int64_t each : bytes)
      p_->steps[k].scratch.push_back(
          plan_.addSlot({fmt::format("scratch{}", plan_.slots.size()), each, 1}));
  }

  void addSlices() {
    const GroupWork &work = p_->work;
    for (int64_t n = 0; n < batch_; ++n)
      for (size_t band = 0; band < p_->bands.size(); ++band)
        for (size_t k = 0; k < work.ops.size(); ++k) {
          const BandRows &r = p_->bands[band][size_t(work.ops[k].result)];
          size_t blocks = work.ops[k].hasWeights() ? p_->steps[k].blocks.size() : 1;
          int64_t rows = p_->buffers[size_t(work.ops[k].result)].newRows;
          for (size_t block = 0; block < blocks; ++block)
            for (int64_t from = r.from; from < r.to; from += rows)
              addSlice({n, band, k, block, from, std::min(from + rows, r.to)});
        }
    plan_.period = plan_.slices.size() / size_t(batch_ * cut_.bands);
  }

  void addSlice(const GroupPlace &at) {
    const GroupOp &op = p_->work.ops[at.op];
    const GroupStep &step = p_->steps[at.op];
    int64_t number = at.n * int64_t(p_->bands.size()) + int64_t(at.band);
    auto tensorUse = [&](int32_t t) -> SlotUse {
      const GroupBuffer &b = p_->buffers[size_t(t)];
      if (b.passing)
        return {b.slot, passed_++};
      return {b.slot, plan_.slots[size_t(b.slot)].copies > 1 ? number : 0};
    };
    SliceWork s;
    if (op.hasWeights()) {
      int64_t blocks = int64_t(step.blocks.size()), block = int64_t(at.block);
      s.inputs.push_back(
          {step.weights, step.resident || blocks == 1 ? block : number * blocks + block});
      for (int scratch : {p_->sum, p_->acc, p_->plane, p_->window})
        if (scratch >= 0)
          s.work.push_back({scratch, 0});
    }
    for (size_t i = 0; i < op.inputs.size(); ++i)
      if (int slot = step.loads[i]; slot >= 0) {
        if (std::ranges::find(s.inputs, slot, &SlotUse::slot) == s.inputs.end())
          s.inputs.push_back({slot, number});
      } else
        s.work.push_back(tensorUse(op.inputs[i].tensor));
    for (int scratch : step.scratch)
      s.work.push_back({scratch, 0});
    s.work.push_back(tensorUse(op.result));
    s.load = [p = p_, at](const Addresses &a, int slot) { return loadGroup(*p, at, a, slot); };
    s.compute = [p = p_, at](const Addresses &a) { return computeGroup(*p, at, a); };
    if (p_->work.tensors[size_t(op.result)].stored)
      s.store = [p = p_, at](const Addresses &a) { return storeGroup(*p, at, a); };
    plan_.slices.push_back(std::move(s));
  }

  GroupCut cut_;
  const Options &options_;
  int deep_; ///< copies of what is loaded or stored beside computing
  std::shared_ptr<GroupPlan> p_;
  LayerPlan plan_;
  int64_t batch_ = 1;
  bool several_ = false; ///< bands, of all batches
  bool bias_ = false;    ///< some op has one
  int64_t accBytes_ = 0, planeBytes_ = 0, windowBytes_ = 0;
  int64_t passed_ = 0; ///< contents of passing buffers
  std::vector<Loaded> loaded_;
};

} // namespace

std::optional<LayerPlan> planGroupCut(const GroupWork &work, const GroupBands &bands,
                                      const GroupCut &cut, const Options &options) {
  return GroupPlanner(cut, options).plan(work, bands);
}

} // namespace tessera::schedule
