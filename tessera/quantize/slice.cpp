#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerSlice(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::SliceOp>(operation);
  mlir::Value input = l.value(op.getInput());
  l.replace(op, l.create<tpu::SliceOp>(op, l.typeLike(input, op), input, op.getOffset(),
                                       op.getSteps(), op.getSizes()));
}

} // namespace tessera::quantize
