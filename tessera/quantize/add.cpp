#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerSum(Lowering &l, mlir::Operation *op, mlir::Value lhs, mlir::Value rhs, bool relu,
              int sign) {
  Shape shape = ir::shapeOf(op->getResult(0));
  bool left = l.isWeight(lhs);
  mlir::Value variable = left ? rhs : lhs;
  std::optional<Tensor> constant;
  if (left || l.isWeight(rhs))
    constant = l.perChannel(l.weight(left ? lhs : rhs), shape, ir::shapeOf(variable));
  if (constant) {
    Tensor factor(DType::F32, constant->shape());
    for (float &v : factor.as<float>())
      v = float(left ? sign : 1);
    for (float &v : constant->as<float>())
      v *= float(left ? 1 : sign);
    return l.lowerPerChannel(op, l.value(variable), factor, *constant, relu);
  }
  if (!l.integer()) {
    mlir::Value a = l.operand(op, lhs), b = l.operand(op, rhs);
    return sign > 0 ? l.lowerFloatPair<tpu::AddOp>(op, a, b, relu)
                    : l.lowerFloatPair<tpu::SubOp>(op, a, b, relu);
  }
  auto type = l.typeFromTable(op);
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return;
  if (relu && element.isSigned())
    return l.refuse(op, "ends in ReLU but its table row has a negative minimum",
                    "calibrate this very model again");
  mlir::Value a = l.operand(op, lhs, element.getScale()),
              b = l.operand(op, rhs, element.getScale());
  if (!a || !b)
    return;
  double scale = element.getScale();
  auto ma = l.factor(op, a, ir::scaleOf(a), scale), mb = l.factor(op, b, ir::scaleOf(b), scale);
  if (!ma || !mb)
    return;
  l.replace(op, l.create<tpu::AddOp>(op, type, a, b, relu,
                                     llvm::ArrayRef<int32_t>{ma->multiplier, sign * mb->multiplier},
                                     llvm::ArrayRef<int32_t>{ma->rshift, mb->rshift}));
}

void lowerAdd(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::AddOp>(operation);
  lowerSum(l, op, op.getLhs(), op.getRhs(), op.getDoRelu(), 1);
}

} // namespace tessera::quantize
