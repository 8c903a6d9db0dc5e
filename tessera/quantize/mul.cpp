#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void Lowering::lowerProduct(mlir::Operation *op, mlir::Value a, mlir::Value b, bool relu) {
  auto type = typeFromTable(op);
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return; // its table row is missing
  if (relu && element.isSigned())
    return refuse(op, "ends in ReLU but its table row has a negative minimum",
                  "calibrate this very model again");
  auto factor = numerics::chooseMultiplier8(ir::scaleOf(a) * ir::scaleOf(b) / element.getScale());
  replace(op, create<tpu::MulOp>(op, type, a, b, factor.multiplier, factor.rshift));
}

void Lowering::lowerScaled(mlir::Operation *op, mlir::Value variable, const Tensor &factor,
                           bool relu) {
  Shape shape = ir::shapeOf(op->getResult(0));
  if (auto channels = perChannel(factor, shape, ir::shapeOf(variable)))
    return lowerPerChannel(op, value(variable), *channels, Tensor(DType::F32, channels->shape()),
                           relu);
  mlir::Value a = broadcast(op, value(variable), shape), b = constant(op, factor, shape);
  if (a && b)
    lowerProduct(op, a, b, relu);
}

void lowerMul(Lowering &l, mlir::Operation *operation) {
  if (!l.integer())
    return l.lowerAsFloat(operation);
  auto op = llvm::cast<top::MulOp>(operation);
  Shape shape = ir::shapeOf(op.getResult());
  bool left = l.isWeight(op.getLhs()), right = l.isWeight(op.getRhs());
  if (left || right)
    return l.lowerScaled(op, left ? op.getRhs() : op.getLhs(),
                         l.weight(left ? op.getLhs() : op.getRhs()), op.getDoRelu());
  mlir::Value a = l.broadcast(op, l.value(op.getLhs()), shape);
  mlir::Value b = l.broadcast(op, l.value(op.getRhs()), shape);
  if (a && b)
    l.lowerProduct(op, a, b, op.getDoRelu());
}

} // namespace tessera::quantize
