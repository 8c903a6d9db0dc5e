#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr reshapeShape(mlir::Operation *op, Sizes input, Sizes shape) {
  int64_t have = 1, want = 1;
  for (int64_t d : input)
    have *= d;
  for (int64_t d : shape) {
    // Dividing as we go keeps the product below `have`: no overflow from absurd sizes.
    if (d < 1 || want * d > have || have % (want * d)) {
      return op->emitOpError("shape ") << sizesText(shape) << " does not hold the " << have
                                       << " elements of " << sizesText(input);
    }
    want *= d;
  }
  if (want != have)
    return op->emitOpError("shape ") << sizesText(shape) << " has " << want << " elements, input "
                                     << sizesText(input) << " has " << have;
  return llvm::SmallVector<int64_t>(shape);
}

ShapeOr top::ReshapeOp::inferShape() {
  return reshapeShape(*this, sizesOf(getInput()), getShape());
}

} // namespace tessera
