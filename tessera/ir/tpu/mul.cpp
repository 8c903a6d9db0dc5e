#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::MulOp::verify() {
  if (failed(checkSameShape(*this, getLhs(), getRhs())))
    return mlir::failure();
  auto isFloat = floatForm(*this, {getLhs(), getRhs()});
  if (failed(isFloat) ||
      (!*isFloat && failed(checkFactor(*this, {getLhs(), getRhs()}, getMultiplier(), getRshift()))))
    return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getLhs())));
}

} // namespace tessera
