#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr top::SoftmaxOp::inferShape() {
  Sizes input = sizesOf(getInput());
  if (failed(checkAxis(*this, getAxis(), input.size())))
    return mlir::failure();
  return llvm::SmallVector<int64_t>(input);
}

} // namespace tessera
