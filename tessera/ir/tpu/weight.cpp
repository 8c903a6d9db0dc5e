#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::WeightOp::verify() {
  mlir::Type e = elementOf(getOutput());
  // A quantized one is a tensor like any other; those of plain integers are filters and biases.
  if (quantOf(getOutput()) || e.isF32() || e.isSignlessInteger(8) || e.isUnsignedInteger(8) ||
      e.isSignlessInteger(32))
    return mlir::success();
  return emitOpError("is ") << getOutput().getType() << ", must be f32, i8, ui8, i32 or quantized";
}

} // namespace tessera
