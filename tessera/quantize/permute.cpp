#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerPermute(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::PermuteOp>(operation);
  mlir::Value input = l.value(op.getInput());
  auto type = l.typeLike(input, op);
  // Where only axes of size 1 move, all elements keep their order.
  Shape in = ir::shapeOf(input), out = ir::shapeOf(op.getResult());
  llvm::SmallVector<int64_t> moved;
  for (int64_t axis : op.getOrder())
    if (in[size_t(axis)] != 1)
      moved.push_back(axis);
  l.replace(op, llvm::is_sorted(moved)
                    ? mlir::Value(l.create<tpu::ReshapeOp>(op, type, input, out))
                    : mlir::Value(l.create<tpu::PermuteOp>(op, type, input, op.getOrder())));
}

} // namespace tessera::quantize
