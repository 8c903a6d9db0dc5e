#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerSum(Lowering &l, mlir::Operation *op, mlir::Value lhs, mlir::Value rhs, bool relu,
              int sign) {
  Shape shape = ir::shapeOf(op->getResult(0));
  if (l.isWeight(lhs) || l.isWeight(rhs)) {
    bool left = l.isWeight(lhs);
    auto constant = l.perChannel(l.weight(left ? lhs : rhs), shape);
    if (!constant)
      return l.refuse(op, "adds a constant that differs within a channel, which has no INT8 form",
                      "a constant by channel has one");
    Tensor factor(DType::F32, constant->shape());
    for (float &v : factor.as<float>())
      v = float(left ? sign : 1);
    for (float &v : constant->as<float>())
      v *= float(left ? 1 : sign);
    return l.lowerPerChannel(op, l.value(left ? rhs : lhs), factor, *constant, relu);
  }
  auto type = l.typeFromTable(op);
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return;
  if (relu && element.isSigned())
    return l.refuse(op, "ends in ReLU but its table row has a negative minimum",
                    "calibrate this very model again");
  mlir::Value a = l.broadcast(op, l.value(lhs), shape), b = l.broadcast(op, l.value(rhs), shape);
  if (!a || !b)
    return;
  auto ma = numerics::chooseMultiplier8(ir::scaleOf(a) / element.getScale());
  auto mb = numerics::chooseMultiplier8(ir::scaleOf(b) / element.getScale());
  l.replace(op, l.create<tpu::AddOp>(op, type, a, b, relu,
                                     llvm::ArrayRef<int32_t>{ma.multiplier, sign * mb.multiplier},
                                     llvm::ArrayRef<int32_t>{ma.rshift, mb.rshift}));
}

void lowerAdd(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::AddOp>(operation);
  if (!l.integer()) {
    bool constant = l.isWeight(op.getLhs()) || l.isWeight(op.getRhs());
    if (constant || ir::shapeOf(op.getLhs()) != ir::shapeOf(op.getRhs()))
      return l.lowerAsFloat(op);
    mlir::Value lhs = l.value(op.getLhs()), rhs = l.value(op.getRhs());
    return l.replace(op,
                     l.create<tpu::AddOp>(op, l.typeFromTable(op), lhs, rhs, op.getDoRelu(),
                                          llvm::ArrayRef<int32_t>(), llvm::ArrayRef<int32_t>()));
  }
  lowerSum(l, op, op.getLhs(), op.getRhs(), op.getDoRelu(), 1);
}

} // namespace tessera::quantize
