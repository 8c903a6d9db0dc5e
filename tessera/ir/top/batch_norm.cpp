#include "tessera/ir/top/per_channel.h"

namespace tessera {

ShapeOr perChannelShape(mlir::Operation *op) {
  Sizes input = sizesOf(op->getOperand(0));
  if (input.size() < 2)
    return op->emitOpError("input has shape ") << sizesText(input) << ", must be [n, c, ...]";
  for (unsigned i = 1; i < op->getNumOperands(); ++i)
    if (Sizes s = sizesOf(op->getOperand(i)); s != Sizes{input[1]})
      return op->emitOpError("operand ")
             << i << " has shape " << sizesText(s) << ", input has " << input[1] << " channels";
  return llvm::SmallVector<int64_t>(input);
}

ShapeOr top::BatchNormOp::inferShape() {
  // convertToDouble keeps NaN visible: !(x >= 0).
  if (double e = getEpsilon().convertToDouble(); !(e >= 0))
    return emitOpError("epsilon is ") << e << ", must not be negative";
  return perChannelShape(*this);
}

} // namespace tessera
