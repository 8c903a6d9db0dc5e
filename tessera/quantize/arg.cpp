#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerArg(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::ArgOp>(operation);
  if (!l.integer())
    l.inF32();
  mlir::Value input = l.value(op.getInput());
  Shape shape = ir::shapeOf(input);
  if (l.integer() && (shape.size() > 4 || shape[size_t(op.getAxis())] > 256))
    return l.refuse(op,
                    op.getMode().str() + " over axis " + std::to_string(op.getAxis()) + " of " +
                        shapeText(shape) + " has no INT8 form yet",
                    "an axis of at most 256 in at most four has one");
  auto type = l.integer() ? l.resultType(op, DType::U8, 1.0) : l.resultType(op, DType::F32, 0);
  l.replace(op, l.create<tpu::ArgOp>(op, type, input, op.getAxis(), op.getKeepdims(), op.getMode(),
                                     op.getSelectLastIndex()));
}

} // namespace tessera::quantize
