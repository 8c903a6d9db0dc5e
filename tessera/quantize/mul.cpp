#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerMul(Lowering &l, mlir::Operation *operation) {
  if (!l.integer())
    return l.lowerAsFloat(operation);
  auto op = llvm::cast<top::MulOp>(operation);
  Shape shape = ir::shapeOf(op.getResult());
  bool left = l.isWeight(op.getLhs());
  if (left || l.isWeight(op.getRhs())) {
    auto factor = l.perChannel(l.weight(left ? op.getLhs() : op.getRhs()), shape);
    if (!factor)
      return l.refuse(op,
                      "multiplies by a constant that differs within a channel, which has no "
                      "INT8 form",
                      "a constant by channel has one");
    return l.lowerPerChannel(op, l.value(left ? op.getRhs() : op.getLhs()), *factor,
                             Tensor(DType::F32, factor->shape()), op.getDoRelu());
  }
  auto type = l.typeFromTable(op);
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return; // its table row is missing
  if (op.getDoRelu() && element.isSigned())
    return l.refuse(op, "ends in ReLU but its table row has a negative minimum",
                    "calibrate this very model again");
  mlir::Value a = l.broadcast(op, l.value(op.getLhs()), shape);
  mlir::Value b = l.broadcast(op, l.value(op.getRhs()), shape);
  if (!a || !b)
    return;
  auto factor = numerics::chooseMultiplier8(ir::scaleOf(a) * ir::scaleOf(b) / element.getScale());
  l.replace(op, l.create<tpu::MulOp>(op, type, a, b, factor.multiplier, factor.rshift));
}

} // namespace tessera::quantize
