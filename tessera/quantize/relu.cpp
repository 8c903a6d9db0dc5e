#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerRelu(Lowering &l, mlir::Operation *op) {
  mlir::Value input = l.value(op->getOperand(0));
  if (l.integer() && ir::dtypeOf(input) == DType::U8)
    return l.replace(op, input); // cannot be negative
  l.replace(op, l.create<tpu::ReluOp>(op, l.typeLike(input, op), input));
}

} // namespace tessera::quantize
