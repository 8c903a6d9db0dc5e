#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerSub(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::SubOp>(operation);
  lowerSum(l, op, op.getLhs(), op.getRhs(), op.getDoRelu(), -1);
}

} // namespace tessera::quantize
