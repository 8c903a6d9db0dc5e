#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerConcat(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::ConcatOp>(operation);
  llvm::SmallVector<mlir::Value> inputs;
  for (mlir::Value v : op.getInputs()) {
    if (l.isWeight(v)) {
      if (l.integer())
        return l.refuse(op, "joins a constant, which has no INT8 form yet", "");
      inputs.push_back(l.createWeight(op, ir::nameOf(v), l.weight(v)));
    } else {
      inputs.push_back(l.value(v));
    }
  }
  auto type = l.typeFromTable(op);
  if (l.integer()) {
    if (!llvm::isa<mlir::quant::QuantizedType>(type.getElementType()))
      return;
    for (mlir::Value &v : inputs)
      v = l.rescale(op, v, type);
  }
  l.replace(op, l.create<tpu::ConcatOp>(op, type, inputs, op.getAxis()));
}

} // namespace tessera::quantize
