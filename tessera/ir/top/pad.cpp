#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr padShape(mlir::Operation *op, Sizes input, Sizes paddings) {
  if (failed(checkCount(op, "paddings", paddings.size(), 2 * input.size())))
    return mlir::failure();
  llvm::SmallVector<int64_t> out(input);
  for (size_t i = 0; i < out.size(); ++i) {
    int64_t begin = paddings[i], end = paddings[i + out.size()];
    // Cropping more than there is would leave cells that are neither input nor padding.
    if (-begin > input[i] || -end > input[i] || input[i] + begin + end < 1)
      return op->emitOpError("paddings ") << begin << " and " << end << " leave nothing of axis "
                                          << i << ", which has size " << input[i];
    out[i] += begin + end;
  }
  return out;
}

ShapeOr top::PadOp::inferShape() { return padShape(*this, sizesOf(getInput()), getPaddings()); }

} // namespace tessera
