// Before: Conv or Deconv, then BatchNorm, Scale, or Add/Sub/Mul/Div with a per-channel constant,
// each
//         the only reader of the one in front.
// After:  one Conv or Deconv under the last one's name: filter * scale, bias * scale + offset,
// computed in
//         double and rounded once. A BatchNorm that follows nothing of the kind becomes a Scale.
// Fails:  stays where the convolution has other readers, is a network output, ends in ReLU, has
// computed
//         weights, or a folded number would not be finite in f32.
#include "tessera/optimize/rewriter.h"

namespace tessera::optimize {
namespace {

template <class OpT> bool foldInto(Rewriter &r, OpT conv, mlir::Operation *next, const Affine &a) {
  const Tensor *filter = r.constant(conv.getFilter());
  const Tensor *bias = conv.getBias() ? r.constant(conv.getBias()) : nullptr;
  if (!filter || (conv.getBias() && !bias) || conv.getDoRelu())
    return false;
  std::vector<double> w = toDouble(*filter), b(a.scale.size(), 0);
  if (bias)
    b = toDouble(*bias);
  size_t perFilter = w.size() / a.scale.size();
  for (size_t o = 0; o < a.scale.size(); ++o) {
    for (size_t i = 0; i < perFilter; ++i)
      w[o * perFilter + i] *= a.scale[o];
    b[o] = b[o] * a.scale[o] + a.offset[o];
  }
  if (!allFinite(w) || !allFinite(b)) {
    r.note(next,
           "stays behind the convolution: folded into its filter, weights would not be finite");
    return false;
  }
  std::string name = ir::nameOf(next);
  conv.getFilterMutable().assign(r.createWeight(conv, name + "_filter", filter->shape(), w));
  conv.getBiasMutable().assign(r.createWeight(conv, name + "_bias", {int64_t(b.size())}, b));
  conv.setDoRelu(a.relu);
  r.absorbNext(conv, next);
  return true;
}

} // namespace

void foldBatchNorm(Rewriter &r) {
  for (mlir::Operation *op : r.ops()) {
    auto a = affineOf(r, op);
    if (!a)
      continue;
    mlir::Operation *source = a->input.getDefiningOp();
    if (source && Rewriter::onlyReader(a->input) == op) {
      if (auto conv = llvm::dyn_cast<top::ConvOp>(source); conv && foldInto(r, conv, op, *a))
        continue;
      if (auto deconv = llvm::dyn_cast<top::DeconvOp>(source);
          deconv && foldInto(r, deconv, op, *a))
        continue;
    }
    if (auto norm = llvm::dyn_cast<top::BatchNormOp>(op)) {
      std::string name = ir::nameOf(op);
      int64_t channels = int64_t(a->scale.size());
      mlir::Value scale = r.createWeight(op, name + "_scale", {channels}, a->scale);
      mlir::Value offset = r.createWeight(op, name + "_bias", {channels}, a->offset);
      mlir::OpBuilder builder(op);
      auto replacement = builder.create<top::ScaleOp>(op->getLoc(), norm.getOutput().getType(),
                                                      norm.getInput(), scale, offset, a->relu);
      ir::setOrigin(replacement, ir::originOf(op));
      op->getResult(0).replaceAllUsesWith(replacement.getOutput());
      op->erase();
      r.count();
    }
  }
}

} // namespace tessera::optimize
