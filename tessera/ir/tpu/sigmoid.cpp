#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::SigmoidOp::verify() {
  if (!isF32(getInput()) || !isF32(getOutput()))
    return emitOpError("takes ") << getInput().getType() << " and gives " << getOutput().getType()
                                 << ", both must be f32";
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getInput())));
}

} // namespace tessera
