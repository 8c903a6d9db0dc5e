#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

/// In F32 whatever the mode: exponentials have no form in fewer bits.
void lowerSoftmax(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::SoftmaxOp>(operation);
  if (ir::shapeOf(op.getInput())[op.getAxis()] > 32)
    return l.integer() ? l.refuse(op, "is over more than 32 values, which has no form yet",
                                  "take it off the end of the model with --output_names")
                       : l.lowerAsFloat(op);
  l.inF32();
  l.replace(op, l.create<tpu::SoftmaxOp>(op, l.resultType(op, DType::F32, 0),
                                         l.value(op.getInput()), op.getAxis()));
}

} // namespace tessera::quantize
