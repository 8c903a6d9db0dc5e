#include "tessera/ir/top/window.h"

namespace tessera {

ShapeOr convShape(mlir::Operation *op, Sizes input, Sizes filter, std::optional<Sizes> bias,
                  WindowAttrs window, int64_t group, std::optional<size_t> padValues) {
  auto w = checkedWindow(op, input, window);
  if (failed(w) || failed(checkFilter(op, input, filter, bias, *w, group)) ||
      failed(checkWindowFits(op, *w, input)))
    return mlir::failure();
  if (padValues && *padValues != size_t(input[1]))
    return op->emitOpError("pad_value has ")
           << *padValues << " entries, input has " << input[1] << " channels";
  return llvm::SmallVector<int64_t>{input[0], filter[0], w->outputSize(0, input[2]),
                                    w->outputSize(1, input[3])};
}

ShapeOr top::ConvOp::inferShape() {
  std::optional<Sizes> bias;
  if (getBias())
    bias = sizesOf(getBias());
  std::optional<size_t> padValues;
  if (auto values = getPadValue())
    padValues = values->size();
  return convShape(*this, sizesOf(getInput()), sizesOf(getFilter()), bias, windowAttrs(*this),
                   int64_t(getGroup()), padValues);
}

} // namespace tessera
