#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::SliceOp::verify() {
  if (failed(floatForm(*this, getInput())) || failed(checkSameType(*this, "input", getInput())))
    return mlir::failure();
  return checkResultShape(
      *this, sliceShape(*this, sizesOf(getInput()), getOffset(), getSteps(), getSizes()));
}

} // namespace tessera
