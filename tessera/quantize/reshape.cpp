#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerReshape(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::ReshapeOp>(operation);
  mlir::Value input = l.value(op.getInput());
  l.replace(op, l.create<tpu::ReshapeOp>(op, l.typeLike(input, op), input, op.getShape()));
}

} // namespace tessera::quantize
