// Before: at the head of the network, per-channel arithmetic with constants and channel reordering
// (Sub
//         mean, Div std, BGR<->RGB, ...) on an input, read by convolutions, also through Concat.
// After:  every such convolution reads the raw input: filter * scale, channels reordered, bias +
// filter *
//         offset. A padding cell was 0 behind the arithmetic; pad_value is the raw number that
//         becomes 0, so border pixels stay exact. A Concat that now joins raw channels is named
//         NAME_raw, because its values (and so its row of a calibration table) are others than
//         NAME's.
// Fails:  leaves everything, with a note naming tensor and reason, unless all readers can be
// folded: a
//         reader that is no Conv, Deconv or Concat; a network output; ReLU in between; a computed
//         filter; channels that move between groups; padding that no raw value stands for; an
//         offset in front of a Deconv, whose border rows see fewer taps.
#include "tessera/optimize/rewriter.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>

namespace tessera::optimize {
namespace {

// A channel as the folded readers will see it: old value = new channel `source` * scale + offset.
struct Channel {
  int64_t source;
  double scale = 1, offset = 0;
};
using Channels = std::vector<Channel>;

Channels identity(mlir::Value v) {
  Channels c;
  for (int64_t i = 0; i < sizesOf(v)[1]; ++i)
    c.push_back({i});
  return c;
}

// Which channels of the input a Gather or Slice takes, if it does nothing else.
std::optional<llvm::SmallVector<int64_t>> channelOrder(mlir::Operation *op) {
  if (auto gather = llvm::dyn_cast<top::GatherOp>(op))
    if (gather.getAxis() == 1 && gather.getKeepdims())
      return llvm::SmallVector<int64_t>(gather.getIndices());
  if (auto slice = llvm::dyn_cast<top::SliceOp>(op)) {
    Sizes input = sizesOf(slice.getInput());
    for (size_t i = 0; i < input.size(); ++i)
      if (i != 1 && (slice.getOffset()[i] != 0 || slice.getSizes()[i] != input[i]))
        return std::nullopt;
    llvm::SmallVector<int64_t> order;
    for (int64_t i = 0; i < slice.getSizes()[1]; ++i)
      order.push_back(slice.getOffset()[1] + i * slice.getSteps()[1]);
    return order;
  }
  return std::nullopt;
}

class Fold {
public:
  Fold(Rewriter &r, mlir::Value root) : r_(r), root_(root) {
    channels_[root] = identity(root);
    source_[root] = root;
  }

  void run() {
    collect(root_, /*behindConcat=*/false);
    if (chain_.empty() || (convs_.empty() && blocked_.empty()))
      return;
    if (blocked_.empty())
      plan();
    if (!blocked_.empty()) {
      r_.note(*chain_.begin(),
              "the arithmetic on the input starting here stays in the network: " + blocked_);
      return;
    }
    apply();
  }

private:
  bool isChain(mlir::Operation *op, mlir::Value from) {
    if (auto a = affineOf(r_, op))
      return a->input == from && !a->relu;
    return channelOrder(op).has_value();
  }

  void block(mlir::Operation *reader, const std::string &why) {
    if (!blocked_.empty())
      return;
    std::string kind = reader->getName().stripDialect().str();
    blocked_ = fmt::format("'{}' ({}) {}", ir::nameOf(reader), kind, why);
  }

  // Everything that reads `v`, the root itself or something made of it.
  void collect(mlir::Value v, bool behindConcat) {
    std::set<mlir::Operation *> seen; // membership only; the order is the use list's
    for (mlir::Operation *user : v.getUsers()) {
      if (!seen.insert(user).second)
        continue;
      if (!behindConcat && isChain(user, v)) {
        if (addOnce(chain_, user))
          collect(user->getResult(0), false);
      } else if (v == root_) {
        continue; // reads the raw input already
      } else if (llvm::isa<mlir::func::ReturnOp>(user)) {
        block(v.getDefiningOp(), "is a network output");
      } else if (auto concat = llvm::dyn_cast<top::ConcatOp>(user);
                 concat && concat.getAxis() == 1) {
        if (addOnce(concats_, user))
          collect(concat.getOutput(), true);
      } else if (llvm::isa<top::ConvOp, top::DeconvOp>(user) && user->getOperand(0) == v) {
        addOnce(convs_, user);
      } else {
        block(user, "reads '" + ir::nameOf(v) +
                        "' and cannot take it in; only Conv, Deconv and Concat of channels can");
      }
    }
  }

  static bool addOnce(std::vector<mlir::Operation *> &list, mlir::Operation *op) {
    if (llvm::is_contained(list, op))
      return false;
    list.push_back(op);
    return true;
  }

  // Channel maps in program order, and the folded weights of every convolution.
  void plan() {
    auto before = [](mlir::Operation *a, mlir::Operation *b) { return a->isBeforeInBlock(b); };
    for (auto *list : {&chain_, &concats_, &convs_})
      std::sort(list->begin(), list->end(), before);
    for (mlir::Operation *op : chain_) {
      Channels out;
      if (auto a = affineOf(r_, op)) {
        out = channels_[a->input];
        source_[op->getResult(0)] = source_[a->input];
        for (size_t i = 0; i < out.size(); ++i) {
          out[i].scale *= a->scale[i];
          out[i].offset = out[i].offset * a->scale[i] + a->offset[i];
        }
      } else {
        Channels in = channels_[op->getOperand(0)];
        source_[op->getResult(0)] = source_[op->getOperand(0)];
        auto order = channelOrder(op);
        for (int64_t i : *order)
          out.push_back(in[size_t(i)]);
      }
      channels_[op->getResult(0)] = out;
    }
    for (mlir::Operation *op : concats_) {
      Channels out;
      int64_t first = 0;
      for (mlir::Value v : op->getOperands()) {
        bool touched = channels_.count(v);
        Channels part = touched ? channels_[v] : identity(v);
        for (Channel c : part) {
          c.source += first;
          out.push_back(c);
        }
        first += touched ? newChannels(v) : sizesOf(v)[1];
      }
      channels_[op->getResult(0)] = out;
      source_[op->getResult(0)] = op->getResult(0);
      concatChannels_[op->getResult(0)] = first;
    }
    for (mlir::Operation *op : convs_)
      if (blocked_.empty())
        planConv(op);
  }

  int64_t newChannels(mlir::Value v) {
    auto it = concatChannels_.find(v);
    return it != concatChannels_.end() ? it->second : sizesOf(root_)[1];
  }

  struct Folded {
    mlir::Operation *op;
    Shape filterShape;
    std::vector<double> filter, bias, padValue;
    bool hasPadValue = false, hasBias = false;
  };

  void planConv(mlir::Operation *op) {
    auto conv = llvm::dyn_cast<top::ConvOp>(op);
    auto deconv = llvm::dyn_cast<top::DeconvOp>(op);
    mlir::Value biasValue = conv ? conv.getBias() : deconv.getBias();
    const Tensor *filter = r_.constant(op->getOperand(1));
    const Tensor *bias = biasValue ? r_.constant(biasValue) : nullptr;
    if (!filter || (biasValue && !bias))
      return block(op, "has a computed filter or bias");
    const Channels &in = channels_[op->getOperand(0)];
    int64_t group = int64_t(conv ? conv.getGroup() : deconv.getGroup());
    int64_t oldChannels = int64_t(in.size()), count = newChannels(op->getOperand(0));
    int64_t oc = filter->dim(0), perGroup = filter->dim(1);
    int64_t taps = filter->dim(2) * filter->dim(3);
    bool inPlace = oldChannels == count;
    for (size_t i = 0; i < in.size(); ++i)
      inPlace &= in[i].source == int64_t(i);
    if (group != 1 && !inPlace)
      return block(op, "is a grouped convolution behind a change of channel order");
    if (deconv && llvm::any_of(in, [](const Channel &c) { return c.offset != 0; }))
      return block(op,
                   "is a transposed convolution behind an offset; its border rows see fewer taps");

    Folded f{op, filter->shape(), {}, {}, {}};
    f.filterShape[1] = inPlace ? perGroup : count;
    f.filter.assign(size_t(oc * f.filterShape[1] * taps), 0);
    f.bias.assign(size_t(oc), 0);
    f.hasBias = bias != nullptr;
    if (bias)
      f.bias = toDouble(*bias);
    auto w = filter->as<float>();
    for (int64_t o = 0; o < oc; ++o)
      for (int64_t i = 0; i < perGroup; ++i) {
        const Channel &c = in[size_t(o / (oc / group) * perGroup + i)];
        int64_t to = inPlace ? i : c.source;
        for (int64_t t = 0; t < taps; ++t) {
          double v = w[size_t((o * perGroup + i) * taps + t)];
          f.filter[size_t((o * f.filterShape[1] + to) * taps + t)] += v * c.scale;
          f.bias[size_t(o)] += v * c.offset;
        }
      }
    f.hasBias |= llvm::any_of(f.bias, [](double v) { return v != 0; });
    if (!allFinite(f.filter) || !allFinite(f.bias))
      return block(op, "would get weights that are not finite");
    if (conv && llvm::any_of(conv.getPads(), [](int64_t p) { return p != 0; }) &&
        !planPadding(conv, in, count, f))
      return;
    folded_.push_back(std::move(f));
  }

  // The raw value of a padding cell: what the arithmetic turns into the old padding value.
  bool planPadding(top::ConvOp conv, const Channels &in, int64_t count, Folded &f) {
    std::vector<std::optional<double>> raw(size_t(count), std::nullopt);
    auto old = conv.getPadValue();
    for (size_t i = 0; i < in.size(); ++i) {
      const Channel &c = in[i];
      double wanted = old ? (*old)[i] : 0;
      if (c.scale == 0 && c.offset == wanted)
        continue; // constant anyway
      double value = (wanted - c.offset) / c.scale;
      auto &slot = raw[size_t(c.source)];
      if (!std::isfinite(float(value)) || (slot && *slot != value)) {
        block(conv,
              "pads channel " + std::to_string(i) + ", and no raw value stands for its padding");
        return false;
      }
      slot = value;
    }
    for (auto &v : raw) {
      f.padValue.push_back(v.value_or(0) + 0.0); // +0.0 turns -0 into 0
      f.hasPadValue |= f.padValue.back() != 0;
    }
    return true;
  }

  void apply() {
    for (mlir::Operation *op : concats_) {
      for (mlir::OpOperand &operand : op->getOpOperands())
        if (auto it = source_.find(operand.get()); it != source_.end())
          operand.set(it->second);
      auto shape = llvm::cast<ShapeInference>(op).inferShape();
      TESSERA_CHECK(succeeded(shape), "folded Concat without a shape");
      op->getResult(0).setType(
          ir::floatType(op->getContext(), Shape(shape->begin(), shape->end())));
      Rewriter::rename(op, ir::nameOf(op) + "_raw");
      mergeChain(op);
    }
    for (Folded &f : folded_) {
      std::string name = ir::nameOf(f.op);
      mlir::Value filter = r_.createWeight(f.op, name + "_filter", f.filterShape, f.filter);
      mlir::Value bias;
      if (f.hasBias)
        bias = r_.createWeight(f.op, name + "_bias", {int64_t(f.bias.size())}, f.bias);
      f.op->setOperand(0, source_[f.op->getOperand(0)]);
      f.op->setOperand(1, filter);
      if (auto conv = llvm::dyn_cast<top::ConvOp>(f.op)) {
        if (bias)
          conv.getBiasMutable().assign(bias);
        if (f.hasPadValue)
          conv.setPadValue(f.padValue);
        else
          conv.removePadValueAttr();
      } else if (bias) {
        llvm::cast<top::DeconvOp>(f.op).getBiasMutable().assign(bias);
      }
      mergeChain(f.op);
      r_.count();
    }
    // The chain itself has lost its readers; remove_dead takes it away.
  }

  void mergeChain(mlir::Operation *op) {
    for (mlir::Operation *node : chain_)
      Rewriter::mergeOrigin(op, node);
  }

  Rewriter &r_;
  mlir::Value root_;
  std::vector<mlir::Operation *> chain_, concats_, convs_;
  llvm::DenseMap<mlir::Value, Channels> channels_;
  llvm::DenseMap<mlir::Value, mlir::Value> source_; ///< what the readers read instead
  llvm::DenseMap<mlir::Value, int64_t> concatChannels_;
  std::vector<Folded> folded_;
  std::string blocked_;
};

} // namespace

void foldPreprocess(Rewriter &r) {
  // An input that a Permute or Reshape brings into [n, c, h, w] starts behind it.
  std::vector<mlir::Value> roots;
  for (mlir::Operation *op : r.ops()) {
    bool isRoot = llvm::isa<top::InputOp>(op) || (llvm::isa<top::PermuteOp, top::ReshapeOp>(op) &&
                                                  llvm::is_contained(roots, op->getOperand(0)));
    if (isRoot)
      roots.push_back(op->getResult(0));
  }
  for (mlir::Value root : roots)
    if (sizesOf(root).size() == 4)
      Fold(r, root).run();
}

} // namespace tessera::optimize
