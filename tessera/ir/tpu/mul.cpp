#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::MulOp::verify() {
  if (sizesOf(getLhs()) != sizesOf(getRhs()))
    return emitOpError("lhs has shape ") << sizesText(sizesOf(getLhs())) << ", rhs "
                                         << sizesText(sizesOf(getRhs())) << "; they must be equal";
  if (failed(checkFactor(*this, {getLhs(), getRhs()}, getMultiplier(), getRshift())))
    return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getLhs())));
}

} // namespace tessera
