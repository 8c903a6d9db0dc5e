#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::DivOp::verify() {
  if (failed(checkFloatPair(*this, getLhs(), getRhs())) || failed(checkNoHalf(*this, "a division")))
    return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getLhs())));
}

} // namespace tessera
