#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void Lowering::lowerProduct(mlir::Operation *op, mlir::Value a, mlir::Value b, bool relu) {
  if (!a || !b)
    return; // refused
  if (!integer())
    return lowerFloatPair<tpu::MulOp>(op, a, b, relu);
  auto type = typeFromTable(op);
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return; // its table row is missing
  if (relu && element.isSigned())
    return refuse(op, "ends in ReLU but its table row has a negative minimum",
                  "calibrate this very model again");
  if (auto f = factor(op, a, ir::scaleOf(a) * ir::scaleOf(b), element.getScale()))
    replace(op, create<tpu::MulOp>(op, type, a, b, f->multiplier, f->rshift));
}

void Lowering::lowerScaled(mlir::Operation *op, mlir::Value variable, const Tensor &factor,
                           bool relu) {
  Shape shape = ir::shapeOf(op->getResult(0));
  if (auto channels = perChannel(factor, shape, ir::shapeOf(variable)))
    return lowerPerChannel(op, value(variable), *channels, Tensor(DType::F32, channels->shape()),
                           relu);
  lowerProduct(op, operand(op, variable), constant(op, factor, shape), relu);
}

void lowerMul(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::MulOp>(operation);
  bool left = l.isWeight(op.getLhs());
  if (left || l.isWeight(op.getRhs()))
    return l.lowerScaled(op, left ? op.getRhs() : op.getLhs(),
                         l.weight(left ? op.getLhs() : op.getRhs()), op.getDoRelu());
  l.lowerProduct(op, l.operand(op, op.getLhs()), l.operand(op, op.getRhs()), op.getDoRelu());
}

} // namespace tessera::quantize
