#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::InterpOp::verify() {
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat) || failed(checkSameType(*this, "input", getInput())))
    return mlir::failure();
  if (!*isFloat && getMode() != "nearest")
    return emitOpError("mode ") << getMode() << " has no integer form, the result is "
                                << getOutput().getType();
  if (getMode() != "nearest" && failed(checkNoHalf(*this, "mode " + getMode())))
    return mlir::failure();
  return checkResultShape(*this, interpShape(*this, sizesOf(getInput()), getOutSize(), getScale(),
                                             getMode(), getCoordMode(), getNearestMode()));
}

} // namespace tessera
