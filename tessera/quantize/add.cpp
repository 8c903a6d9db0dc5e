#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerAdd(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::AddOp>(operation);
  bool constant = l.isWeight(op.getLhs()) || l.isWeight(op.getRhs());
  if (!l.integer() && (constant || ir::shapeOf(op.getLhs()) != ir::shapeOf(op.getRhs())))
    return l.lowerAsFloat(op);
  if (constant)
    return l.refuse(op, "adds a constant, which has no INT8 form yet",
                    "a constant added behind a convolution belongs into its bias");
  mlir::Value lhs = l.value(op.getLhs()), rhs = l.value(op.getRhs());
  auto type = l.typeFromTable(op);
  if (!l.integer())
    return l.replace(op,
                     l.create<tpu::AddOp>(op, type, lhs, rhs, op.getDoRelu(),
                                          llvm::ArrayRef<int32_t>(), llvm::ArrayRef<int32_t>()));
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return;
  if (ir::shapeOf(lhs) != ir::shapeOf(rhs))
    return l.refuse(op,
                    "adds " + shapeText(ir::shapeOf(lhs)) + " and " + shapeText(ir::shapeOf(rhs)) +
                        ", broadcasting has no INT8 form yet",
                    "make both operands of one shape");
  auto a = numerics::chooseMultiplier8(ir::scaleOf(lhs) / element.getScale());
  auto b = numerics::chooseMultiplier8(ir::scaleOf(rhs) / element.getScale());
  l.replace(op, l.create<tpu::AddOp>(op, type, lhs, rhs, op.getDoRelu(),
                                     llvm::ArrayRef<int32_t>{a.multiplier, b.multiplier},
                                     llvm::ArrayRef<int32_t>{a.rshift, b.rshift}));
}

} // namespace tessera::quantize
