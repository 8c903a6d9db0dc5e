#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::MulOp::verify() {
  if (sizesOf(getLhs()) != sizesOf(getRhs()))
    return emitOpError("lhs has shape ") << sizesText(sizesOf(getLhs())) << ", rhs "
                                         << sizesText(sizesOf(getRhs())) << "; they must be equal";
  auto isFloat = floatForm(*this, {getLhs(), getRhs()});
  if (failed(isFloat))
    return mlir::failure();
  if (*isFloat)
    return emitOpError("result is ") << getOutput().getType() << ", must be quantized";
  int32_t multiplier = getMultiplier(), rshift = getRshift();
  if (multiplier < 0)
    return emitOpError("multiplier ") << multiplier << " must not be negative";
  if (failed(checkRequantize(*this, false, multiplier, rshift, 1, 127, 0)))
    return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getLhs())));
}

} // namespace tessera
