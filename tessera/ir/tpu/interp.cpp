#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::InterpOp::verify() {
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat) || failed(checkSameType(*this, "input", getInput())))
    return mlir::failure();
  if (!*isFloat && getMode() != "nearest" && sizesOf(getInput()).size() != 4)
    return emitOpError("mode ") << getMode() << " has an integer form for four axes, the input is "
                                << getInput().getType();
  if (getMode() != "nearest" && failed(checkNoHalf(*this, "mode " + getMode())))
    return mlir::failure();
  return checkResultShape(*this, interpShape(*this, sizesOf(getInput()), getOutSize(), getScale(),
                                             getMode(), getCoordMode(), getNearestMode()));
}

} // namespace tessera
