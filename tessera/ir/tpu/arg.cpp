#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::ArgOp::verify() {
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat) || failed(checkNoHalf(*this, getMode())) ||
      failed(checkCountResult(*this, *isFloat)))
    return mlir::failure();
  Sizes input = sizesOf(getInput());
  ShapeOr shape = argShape(*this, input, getAxis(), getKeepdims(), getMode());
  if (failed(shape))
    return mlir::failure();
  if (!*isFloat && input[getAxis()] > 256)
    return emitOpError("axis ") << getAxis() << " has " << input[getAxis()]
                                << " channels, the integer form takes 256";
  return checkResultShape(*this, shape);
}

} // namespace tessera
