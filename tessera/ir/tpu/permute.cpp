#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::PermuteOp::verify() {
  if (failed(floatForm(*this, getInput())) || failed(checkSameType(*this, "input", getInput())))
    return mlir::failure();
  return checkResultShape(*this, permuteShape(*this, sizesOf(getInput()), getOrder()));
}

} // namespace tessera
