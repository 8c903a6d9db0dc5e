#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerInterp(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::InterpOp>(operation);
  if (l.integer() && op.getMode() != "nearest")
    return l.refuse(op, "resizes with mode " + op.getMode().str() + ", which has no INT8 form yet",
                    "nearest has one");
  if (op.getMode() != "nearest")
    l.inF32();
  mlir::Value input = l.value(op.getInput());
  l.replace(op, l.create<tpu::InterpOp>(op, l.typeLike(input, op), input, op.getOutSize(),
                                        op.getScale(), op.getMode(), op.getCoordMode(),
                                        op.getNearestMode(), op.getCubicCoeffA(),
                                        op.getExcludeOutside()));
}

} // namespace tessera::quantize
