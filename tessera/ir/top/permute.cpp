#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr permuteShape(mlir::Operation *op, Sizes input, Sizes order) {
  if (failed(checkCount(op, "order", order.size(), input.size())))
    return mlir::failure();
  llvm::SmallVector<bool> seen(order.size(), false);
  llvm::SmallVector<int64_t> out;
  for (int64_t axis : order) {
    if (axis < 0 || axis >= int64_t(order.size()) || seen[axis])
      return op->emitOpError("order ")
             << sizesText(order) << " is not a permutation of 0 to " << order.size() - 1;
    seen[axis] = true;
    out.push_back(input[axis]);
  }
  return out;
}

ShapeOr top::PermuteOp::inferShape() {
  return permuteShape(*this, sizesOf(getInput()), getOrder());
}

} // namespace tessera
