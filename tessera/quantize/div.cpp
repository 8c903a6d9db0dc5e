#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

/// By a constant: times its reciprocal. A quotient of two tensors has no form in fewer bits than
/// F32.
void lowerDiv(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::DivOp>(operation);
  if (!l.integer() || !l.isWeight(op.getRhs()))
    return l.lowerAsFloat(op);
  Tensor factor = l.weight(op.getRhs());
  for (float &v : factor.as<float>())
    v = 1 / v;
  l.lowerScaled(op, op.getLhs(), factor, op.getDoRelu());
}

} // namespace tessera::quantize
