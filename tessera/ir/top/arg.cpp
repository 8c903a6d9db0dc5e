#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr argShape(mlir::Operation *op, Sizes input, int64_t axis, bool keepdims,
                 llvm::StringRef mode) {
  if (failed(checkAxis(op, axis, input.size())) ||
      failed(checkOneOf(op, "mode", mode, {"ArgMax", "ArgMin"})))
    return mlir::failure();
  llvm::SmallVector<int64_t> out(input);
  if (keepdims)
    out[axis] = 1;
  else
    out.erase(out.begin() + axis);
  return out;
}

ShapeOr top::ArgOp::inferShape() {
  return argShape(*this, sizesOf(getInput()), getAxis(), getKeepdims(), getMode());
}

} // namespace tessera
