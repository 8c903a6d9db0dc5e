#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::WhereOp::verify() {
  if (failed(checkFloatPair(*this, getLhs(), getRhs())) ||
      failed(checkFloatPair(*this, getCondition(), getLhs())))
    return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getLhs())));
}

} // namespace tessera
