// Before: a Concat of tensors with very different ranges, e.g. a raw image (255) and features (6):
// at the
//         Concat's one INT8 scale the small ones keep only a few levels.
// After:  a small input is made larger by a power of two: the Conv, Deconv or Scale that computes
// it has
//         its weights multiplied, everything that reads it has them divided. Powers of two change
//         no float result by a single bit (outside denormals). Every tensor that grew is named
//         NAME_xK, because its row of a calibration table grows too.
// Fails:  an input stays as it is where its range is unknown or the Concat's is not `ratio` times
// as large, where an op
//         on the way does not pass a factor through, or where a reader cannot absorb it.
#include "tessera/optimize/rewriter.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace tessera::optimize {
namespace {

// f(k * x, ...) = k * f(x, ...) for k > 0, all operands grown alike.
bool passesFactor(mlir::Operation *op) {
  return llvm::isa<top::AddOp, top::SubOp, top::ReluOp, top::LeakyReluOp, top::MaxPoolOp,
                   top::AvgPoolOp, top::SliceOp, top::InterpOp, top::ReshapeOp, top::PermuteOp,
                   top::GatherOp, top::PadOp>(op);
}

class Grow {
public:
  using RangeOf = std::function<double(mlir::Value)>; ///< 0 = unknown
  Grow(Rewriter &r, double factor, RangeOf range)
      : r_(r), factor_(factor), range_(std::move(range)) {}

  /// Finds every op that takes part in making `v` larger; false if one cannot.
  bool collect(mlir::Value v) {
    if (llvm::is_contained(grown_, v))
      return true;
    mlir::Operation *op = v.getDefiningOp();
    if (!op || grown_.size() > 64)
      return false;
    grown_.push_back(v);
    if (passesFactor(op)) {
      for (mlir::Value operand : op->getOperands())
        if (!collect(operand))
          return false;
    } else if (!hasConstantWeights(op)) {
      return false;
    }
    for (mlir::OpOperand &use : v.getUses())
      if (!collectReader(use))
        return false;
    return true;
  }

  void apply(std::vector<ScaledTensor> &report) {
    for (mlir::Value v : grown_) {
      mlir::Operation *op = v.getDefiningOp();
      if (auto pad = llvm::dyn_cast<top::PadOp>(op))
        pad.setValAttr(mlir::FloatAttr::get(mlir::Float64Type::get(op->getContext()),
                                            pad.getVal().convertToDouble() * factor_));
      else if (!passesFactor(op))
        for (unsigned i = 1; i < op->getNumOperands(); ++i)
          scaleWeight(op, i, factor_, 0, 0);
      std::string from = ir::nameOf(op);
      Rewriter::rename(op, from + "_x" + std::to_string(int64_t(factor_)));
      report.push_back({from, ir::nameOf(op), factor_});
    }
    for (mlir::Operation *op : concats_) {
      std::string from = ir::nameOf(op);
      Rewriter::rename(op, from + "_x" + std::to_string(int64_t(factor_)));
      report.push_back({from, ir::nameOf(op), 1});
    }
    for (const Absorb &a : absorb_) {
      scaleWeight(a.op, 1, 1 / factor_, a.first, a.first + a.count);
      auto conv = llvm::dyn_cast<top::ConvOp>(a.op);
      if (conv && conv.getPadValue()) {
        std::vector<double> values = conv.getPadValue()->vec();
        for (int64_t c = a.first; c < a.first + a.count; ++c)
          values[size_t(c)] *= factor_;
        conv.setPadValue(values);
      }
    }
  }

private:
  struct Absorb {
    mlir::Operation *op;
    int64_t first, count; ///< input channels
  };

  bool hasConstantWeights(mlir::Operation *op) const {
    if (!llvm::isa<top::ConvOp, top::DeconvOp, top::ScaleOp>(op))
      return false;
    for (unsigned i = 1; i < op->getNumOperands(); ++i)
      if (!r_.constant(op->getOperand(i)))
        return false;
    return true;
  }

  bool collectReader(mlir::OpOperand &use) {
    mlir::Operation *reader = use.getOwner();
    if (passesFactor(reader))
      return collect(reader->getResult(0));
    if (auto concat = llvm::dyn_cast<top::ConcatOp>(reader)) {
      // Its range must cover the grown part: the Concat's scale stays.
      double part = range_(use.get());
      if (concat.getAxis() != 1 || part <= 0 || range_(concat.getOutput()) < factor_ * part)
        return false;
      if (!llvm::is_contained(concats_, reader))
        concats_.push_back(reader);
      int64_t first = 0;
      for (unsigned i = 0; i < use.getOperandNumber(); ++i)
        first += sizesOf(concat.getInputs()[i])[1];
      return llvm::all_of(concat.getOutput().getUses(), [&](mlir::OpOperand &next) {
        return absorbIn(next, first, sizesOf(use.get())[1]);
      });
    }
    return absorbIn(use, 0, sizesOf(use.get()).size() == 4 ? sizesOf(use.get())[1] : 0);
  }

  // A convolution divides its filter's input channels.
  bool absorbIn(mlir::OpOperand &use, int64_t first, int64_t count) {
    mlir::Operation *op = use.getOwner();
    if (use.getOperandNumber() != 0 || !llvm::isa<top::ConvOp, top::DeconvOp>(op) ||
        !r_.constant(op->getOperand(1)) ||
        op->getAttrOfType<mlir::IntegerAttr>("group").getInt() != 1)
      return false;
    absorb_.push_back({op, first, count});
    return true;
  }

  // A new Weight: operand i of `op` times k, all of it or the input channels [first, last) of a
  // filter.
  void scaleWeight(mlir::Operation *op, unsigned i, double k, int64_t first, int64_t last) {
    Tensor t = r_.constant(op->getOperand(i))->clone();
    auto values = t.as<float>();
    if (first == last) {
      for (float &v : values)
        v *= float(k);
    } else {
      int64_t channels = t.dim(1), taps = t.dim(2) * t.dim(3);
      for (int64_t o = 0; o < t.dim(0); ++o)
        for (int64_t at = (o * channels + first) * taps; at < (o * channels + last) * taps; ++at)
          values[size_t(at)] *= float(k);
    }
    op->setOperand(i, r_.createWeight(op, ir::nameOf(op->getOperand(i)), t));
  }

  Rewriter &r_;
  double factor_;
  RangeOf range_;
  std::vector<mlir::Value> grown_;
  std::vector<mlir::Operation *> concats_;
  std::vector<Absorb> absorb_;
};

} // namespace

Result<std::vector<ScaledTensor>>
equalizeConcats(ir::Module &module, const std::map<std::string, double> &thresholds, double ratio) {
  OptimizeReport report;
  Rewriter r(module, report);
  std::vector<ScaledTensor> scaled;
  std::map<std::string, double> known = thresholds;
  auto range = [&](mlir::Value v) {
    auto it = known.find(ir::nameOf(v));
    return it != known.end() && std::isfinite(it->second) ? it->second : 0.0;
  };
  for (mlir::Operation *op : r.ops()) {
    auto concat = llvm::dyn_cast<top::ConcatOp>(op);
    if (!concat || concat.getAxis() != 1)
      continue;
    double whole = range(concat.getOutput());
    for (mlir::Value v : concat.getInputs()) {
      double part = range(v);
      if (part <= 0 || whole < ratio * part)
        continue;
      // A tensor of next to nothing (a dead channel) needs no more than this.
      double factor = std::min(std::exp2(std::floor(std::log2(whole / part))), 65536.0);
      Grow grow(r, factor, range);
      if (!grow.collect(v))
        continue;
      size_t before = scaled.size();
      grow.apply(scaled);
      for (size_t i = before; i < scaled.size(); ++i)
        if (auto it = known.find(scaled[i].from); it != known.end())
          known[scaled[i].to] = it->second * scaled[i].factor;
    }
  }
  removeDead(r);
  renumber(r);
  TESSERA_TRY(module.verify("module '" + module.name() + "'"));
  return scaled;
}

} // namespace tessera::optimize
