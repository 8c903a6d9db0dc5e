#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::AddOp::verify() {
  if (failed(checkSameShape(*this, getLhs(), getRhs())))
    return mlir::failure();
  auto isFloat = floatForm(*this, {getLhs(), getRhs()});
  if (failed(isFloat) ||
      failed(checkRequantize(*this, *isFloat, getMultiplier(), getRshift(), 2, 128, 0)))
    return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getLhs())));
}

} // namespace tessera
