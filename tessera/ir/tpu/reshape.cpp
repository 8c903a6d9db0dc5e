#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::ReshapeOp::verify() {
  if (failed(floatForm(*this, getInput())) || failed(checkSameType(*this, "input", getInput())))
    return mlir::failure();
  return checkResultShape(*this, reshapeShape(*this, sizesOf(getInput()), getShape()));
}

} // namespace tessera
