// Before: Relu, or Clip from 0 to infinity, as the only reader of an op with a do_relu attribute
// (Conv,
//         Deconv, BatchNorm, Scale, Add, Sub, Mul, Div, MaxPool, AvgPool).
// After:  that op with do_relu = true under the Relu's name, as TPU-MLIR names it.
// Fails:  stays where the result before the ReLU has another reader or is a network output.
#include "tessera/optimize/rewriter.h"

#include <limits>

namespace tessera::optimize {
namespace {

bool isRelu(mlir::Operation *op) {
  if (llvm::isa<top::ReluOp>(op))
    return true;
  auto clip = llvm::dyn_cast<top::ClipOp>(op);
  // Exporters write "no upper bound" as the largest float.
  return clip && clip.getMin().convertToDouble() == 0 &&
         clip.getMax().convertToDouble() >= std::numeric_limits<float>::max();
}

} // namespace

void fuseRelu(Rewriter &r) {
  for (mlir::Operation *op : r.ops()) {
    if (!isRelu(op))
      continue;
    mlir::Operation *source = op->getOperand(0).getDefiningOp();
    if (source && Rewriter::onlyReader(source->getResult(0)) == op &&
        source->getAttrOfType<mlir::BoolAttr>("do_relu")) {
      source->setAttr("do_relu", mlir::BoolAttr::get(op->getContext(), true));
      r.absorbNext(source, op);
    } else if (llvm::isa<top::ClipOp>(op)) {
      mlir::OpBuilder builder(op);
      auto relu =
          builder.create<top::ReluOp>(op->getLoc(), op->getResult(0).getType(), op->getOperand(0));
      ir::setId(relu, ir::idOf(op));
      ir::setOrigin(relu, ir::originOf(op));
      op->getResult(0).replaceAllUsesWith(relu.getOutput());
      op->erase();
      r.count();
    }
  }
}

} // namespace tessera::optimize
