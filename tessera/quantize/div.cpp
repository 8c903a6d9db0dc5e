#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

/// By a constant: times its reciprocal. A quotient of two tensors has no form in fewer bits than
/// F32.
void lowerDiv(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::DivOp>(operation);
  if (l.isWeight(op.getRhs())) {
    Tensor factor = l.weight(op.getRhs()).clone(); // others read it too
    for (float &v : factor.as<float>()) {
      if (v == 0)
        return l.refuse(op, "divides by a constant that has zeros", "take them out of the model");
      v = 1 / v;
    }
    return l.lowerScaled(op, op.getLhs(), factor, op.getDoRelu());
  }
  l.inF32();
  l.lowerFloatPair<tpu::DivOp>(op, l.operand(op, op.getLhs()), l.operand(op, op.getRhs()),
                               op.getDoRelu());
}

} // namespace tessera::quantize
