#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerArg(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::ArgOp>(operation);
  if (!l.integer() || ir::shapeOf(op.getInput())[size_t(op.getAxis())] > 256)
    l.inF32(); // no byte holds the number of one of more than 256
  mlir::Value input = l.value(op.getInput());
  auto type = l.integer() ? l.resultType(op, DType::U8, 1.0) : l.resultType(op, DType::F32, 0);
  l.replace(op, l.create<tpu::ArgOp>(op, type, input, op.getAxis(), op.getKeepdims(), op.getMode(),
                                     op.getSelectLastIndex()));
}

} // namespace tessera::quantize
