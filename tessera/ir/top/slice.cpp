#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr sliceShape(mlir::Operation *op, Sizes input, Sizes offset, Sizes steps, Sizes sizes) {
  if (failed(checkCount(op, "offset", offset.size(), input.size())) ||
      failed(checkCount(op, "steps", steps.size(), input.size())) ||
      failed(checkCount(op, "sizes", sizes.size(), input.size())))
    return mlir::failure();
  for (size_t i = 0; i < input.size(); ++i) {
    if (sizes[i] < 1 || sizes[i] > input[i])
      return op->emitOpError("takes ")
             << sizes[i] << " of axis " << i << ", which has size " << input[i];
    int64_t first = offset[i];
    // sizes <= input keeps the product small unless steps is absurd, which the range check below
    // sees.
    bool stepFits = steps[i] != 0 && (sizes[i] == 1 || std::abs(steps[i]) < input[i]);
    int64_t last = stepFits ? first + (sizes[i] - 1) * steps[i] : -1;
    if (!stepFits || first < 0 || first >= input[i] || last < 0 || last >= input[i])
      return op->emitOpError("offset ") << first << ", step " << steps[i] << ", size " << sizes[i]
                                        << " leave axis " << i << ", which has size " << input[i];
  }
  return llvm::SmallVector<int64_t>(sizes);
}

ShapeOr top::SliceOp::inferShape() {
  return sliceShape(*this, sizesOf(getInput()), getOffset(), getSteps(), getSizes());
}

} // namespace tessera
