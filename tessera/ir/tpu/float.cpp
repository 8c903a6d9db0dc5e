#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::FloatOp::verify() {
  auto isFloat = floatForm(*this, getInputs());
  if (failed(isFloat))
    return mlir::failure();
  if (!isF32(getOutput()))
    return emitOpError("result is ") << getOutput().getType() << ", must be f32";
  if (!mlir::RegisteredOperationName::lookup(("top." + getOp()).str(), getContext()))
    return emitOpError("names '") << getOp() << "', which is no op of the top dialect";
  return mlir::success();
}

} // namespace tessera
