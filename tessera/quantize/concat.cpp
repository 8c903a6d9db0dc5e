#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerConcat(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::ConcatOp>(operation);
  if (llvm::any_of(op.getInputs(), [&](mlir::Value v) { return l.isWeight(v); }))
    return l.integer() ? l.refuse(op, "joins a constant, which has no INT8 form yet", "")
                       : l.lowerAsFloat(op);
  llvm::SmallVector<mlir::Value> inputs;
  for (mlir::Value v : op.getInputs())
    inputs.push_back(l.value(v));
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
