#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::ReluOp::verify() {
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat))
    return mlir::failure();
  // The sign may change (a ReLU's result is u8), the scale may not.
  if (!*isFloat && quantOf(getInput()).getScale() != quantOf(getOutput()).getScale())
    return emitOpError("input has scale ")
           << quantOf(getInput()).getScale() << ", result " << quantOf(getOutput()).getScale()
           << "; they must be equal";
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getInput())));
}

} // namespace tessera
