#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::AddOp::verify() {
  if (sizesOf(getLhs()) != sizesOf(getRhs()))
    return emitOpError("lhs has shape ") << sizesText(sizesOf(getLhs())) << ", rhs "
                                         << sizesText(sizesOf(getRhs())) << "; they must be equal";
  auto isFloat = floatForm(*this, {getLhs(), getRhs()});
  if (failed(isFloat) ||
      failed(checkRequantize(*this, *isFloat, getMultiplier(), getRshift(), 2, 128, 0)))
    return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getLhs())));
}

} // namespace tessera
