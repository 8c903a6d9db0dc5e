#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::LeakyReluOp::verify() {
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat) || failed(checkSameType(*this, "input", getInput())))
    return mlir::failure();
  double alpha = getAlpha().convertToDouble();
  if (*isFloat && !(alpha >= 0 && alpha <= 1))
    return emitOpError("alpha is ") << alpha << ", must be from 0 to 1 in floats";
  if (!*isFloat) {
    int32_t multiplier = getMultiplier(), rshift = getRshift();
    if (failed(checkRequantize(*this, false, multiplier, rshift, 1, 128, 0)))
      return mlir::failure();
  }
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getInput())));
}

} // namespace tessera
