#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::PadOp::verify() {
  if (failed(floatForm(*this, getInput())) || failed(checkSameType(*this, "input", getInput())) ||
      failed(checkStorable(*this, "val", getVal().convertToDouble(), getInput())))
    return mlir::failure();
  return checkResultShape(*this, padShape(*this, sizesOf(getInput()), getPaddings()));
}

} // namespace tessera
