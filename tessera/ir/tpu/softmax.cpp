#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::SoftmaxOp::verify() {
  Sizes input = sizesOf(getInput());
  if (!isF32(getInput()) || !isF32(getOutput()))
    return emitOpError("takes ") << getInput().getType() << " and gives " << getOutput().getType()
                                 << ", both must be f32";
  if (failed(checkAxis(*this, getAxis(), input.size())))
    return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(input));
}

} // namespace tessera
