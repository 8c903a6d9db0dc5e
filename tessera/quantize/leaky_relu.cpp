#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerLeakyRelu(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::LeakyReluOp>(operation);
  double alpha = op.getAlpha().convertToDouble();
  if (!l.integer() && !(alpha >= 0 && alpha <= 1))
    return l.lowerAsFloat(op);
  mlir::Value input = l.value(op.getInput());
  numerics::MultiplierShift factor;
  if (l.integer()) {
    if (ir::dtypeOf(input) == DType::U8)
      return l.replace(op, input); // cannot be negative
    if (alpha < 0)
      return l.refuse(op, "has alpha " + std::to_string(alpha) + ", which must not be negative",
                      "");
    factor = numerics::chooseMultiplier8(alpha);
  }
  l.replace(op, l.create<tpu::LeakyReluOp>(op, l.typeLike(input, op), input, op.getAlpha(),
                                           factor.multiplier, factor.rshift));
}

} // namespace tessera::quantize
