#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::MulShiftOp::verify() {
  if (failed(checkFactor(*this, getInput(), getMultiplier(), getRshift())))
    return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getInput())));
}

} // namespace tessera
