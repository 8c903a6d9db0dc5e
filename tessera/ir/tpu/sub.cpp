#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::SubOp::verify() {
  if (failed(checkFloatPair(*this, getLhs(), getRhs())))
    return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getLhs())));
}

} // namespace tessera
