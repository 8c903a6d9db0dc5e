#include "tessera/ir/top/window.h"

namespace tessera {

ShapeOr poolShape(mlir::Operation *op, Sizes input, WindowAttrs window, bool ceilMode) {
  auto w = checkedWindow(op, input, window);
  if (failed(w) || failed(checkWindowFits(op, *w, input)))
    return mlir::failure();
  llvm::SmallVector<int64_t> out{input[0], input[1], 0, 0};
  for (int i = 0; i < 2; ++i) {
    int64_t in = input[2 + i];
    out[2 + i] = w->pooledOutputSize(i, in, ceilMode);
    // A window without a real cell has no maximum and no mean.
    for (int64_t o = 0; o < out[2 + i]; ++o) {
      bool real = false;
      for (int64_t k = 0; k < w->kernel[i] && !real; ++k) {
        int64_t at = o * w->strides[i] - w->pads[i] + k * w->dilations[i];
        real = at >= 0 && at < in;
      }
      if (!real)
        return op->emitOpError("window ")
               << o << (i ? " of a row" : " of a column")
               << " lies wholly in the padding, pads are " << sizesText(window.pads)
               << ", kernel_shape is " << sizesText(window.kernel);
    }
  }
  return out;
}

ShapeOr top::MaxPoolOp::inferShape() {
  return poolShape(*this, sizesOf(getInput()), windowAttrs(*this), getCeilMode());
}
ShapeOr top::AvgPoolOp::inferShape() {
  return poolShape(*this, sizesOf(getInput()), windowAttrs(*this), getCeilMode());
}

} // namespace tessera
