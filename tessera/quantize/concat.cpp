#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerConcat(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::ConcatOp>(operation);
  auto type = l.typeFromTable(op);
  if (l.integer() && !llvm::isa<mlir::quant::QuantizedType>(type.getElementType()))
    return; // its table row is missing
  llvm::SmallVector<mlir::Value> inputs;
  for (mlir::Value v : op.getInputs()) {
    if (l.isWeight(v)) {
      auto own = mlir::RankedTensorType::get(ir::shapeOf(v), type.getElementType());
      inputs.push_back(l.constantOf(op, l.weight(v), own));
      if (!inputs.back())
        return; // refused
    } else {
      inputs.push_back(l.integer() ? l.rescale(op, l.value(v), type) : l.value(v));
    }
  }
  l.replace(op, l.create<tpu::ConcatOp>(op, type, inputs, op.getAxis()));
}

} // namespace tessera::quantize
