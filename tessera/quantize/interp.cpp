#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerInterp(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::InterpOp>(operation);
  if (!l.integer() && op.getMode() != "nearest")
    l.inF32();
  mlir::Value input = l.value(op.getInput());
  if (l.integer() && op.getMode() != "nearest" && ir::shapeOf(input).size() != 4)
    return l.refuse(op,
                    "resizes a tensor of " + std::to_string(ir::shapeOf(input).size()) + " axes",
                    "reshape it to four axes in the model");
  // A mean of neighbours keeps their type and scale; what a cubic one overshoots saturates.
  l.replace(op, l.create<tpu::InterpOp>(op, l.typeLike(input, op), input, op.getOutSize(),
                                        op.getScale(), op.getMode(), op.getCoordMode(),
                                        op.getNearestMode(), op.getCubicCoeffA(),
                                        op.getExcludeOutside()));
}

} // namespace tessera::quantize
