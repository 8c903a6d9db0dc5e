#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::MulShiftOp::verify() {
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat))
    return mlir::failure();
  if (*isFloat)
    return emitOpError("result is ") << getOutput().getType() << ", must be quantized";
  int32_t multiplier = getMultiplier(), rshift = getRshift();
  if (multiplier < 0)
    return emitOpError("multiplier ") << multiplier << " must not be negative";
  if (failed(checkRequantize(*this, false, multiplier, rshift, 1, 127, 0)))
    return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getInput())));
}

} // namespace tessera
