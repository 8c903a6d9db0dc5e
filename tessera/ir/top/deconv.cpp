#include "tessera/ir/top/window.h"

namespace tessera {

ShapeOr deconvShape(mlir::Operation *op, Sizes input, Sizes filter, std::optional<Sizes> bias,
                    WindowAttrs window, Sizes outputPadding, int64_t group) {
  auto w = checkedWindow(op, input, window);
  if (failed(w) || failed(checkFilter(op, input, filter, bias, *w, group)) ||
      failed(checkCount(op, "output_padding", outputPadding.size(), 2)))
    return mlir::failure();
  llvm::SmallVector<int64_t> out{input[0], filter[0], 0, 0};
  for (int i = 0; i < 2; ++i) {
    if (outputPadding[i] < 0)
      return op->emitOpError("output_padding is ")
             << sizesText(outputPadding) << ", every entry must be at least 0";
    w->outputPadding[i] = outputPadding[i];
    out[2 + i] = w->transposedOutputSize(i, input[2 + i]);
    if (out[2 + i] < 1)
      return op->emitOpError("pads ") << sizesText(window.pads) << " leave a result of "
                                      << out[2 + i] << (i ? " columns" : " rows");
  }
  return out;
}

ShapeOr top::DeconvOp::inferShape() {
  std::optional<Sizes> bias;
  if (getBias())
    bias = sizesOf(getBias());
  return deconvShape(*this, sizesOf(getInput()), sizesOf(getFilter()), bias, windowAttrs(*this),
                     getOutputPadding(), int64_t(getGroup()));
}

} // namespace tessera
