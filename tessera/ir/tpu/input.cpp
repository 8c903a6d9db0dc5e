#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::InputOp::verify() {
  if ((!isF32(getInput()) && !quantOf(getInput())) || getInput().getType() != getOutput().getType())
    return emitOpError("takes ") << getInput().getType() << " and gives " << getOutput().getType()
                                 << ", both must be the same f32 or quantized tensor";
  return checkInputRecipe(*this, getMean(), getScale(), getResizeDims());
}

} // namespace tessera
