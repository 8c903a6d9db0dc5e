#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr upConvShape(mlir::Operation *op, Sizes input, Sizes skip, Sizes filter, Sizes skipFilter,
                    std::optional<Sizes> bias) {
  if (input.size() != 4 || skip.size() != 4 || skip[0] != input[0] || skip[2] / 2 != input[2] ||
      skip[3] / 2 != input[3])
    return op->emitOpError("input has shape ")
           << sizesText(input) << ", skip has " << sizesText(skip)
           << ", which must be twice as high and wide, or one more";
  int64_t oc = skipFilter.empty() ? 0 : skipFilter[0];
  auto check = [&](const char *name, Sizes found, llvm::SmallVector<int64_t> wanted) {
    return found == Sizes(wanted)
               ? mlir::success()
               : mlir::failure((op->emitOpError(name) << " has shape " << sizesText(found)
                                                      << ", must be " << sizesText(wanted),
                                true));
  };
  if (failed(check("skip_filter", skipFilter, {oc, skip[1], 3, 3})) ||
      failed(check("filter", filter, {4, oc, input[1], 2, 2})) ||
      (bias && failed(check("bias", *bias, {oc, 4, 4}))))
    return mlir::failure();
  return llvm::SmallVector<int64_t>{input[0], oc, skip[2], skip[3]};
}

ShapeOr top::UpConvOp::inferShape() {
  std::optional<Sizes> bias;
  if (getBias())
    bias = sizesOf(getBias());
  return upConvShape(*this, sizesOf(getInput()), sizesOf(getSkip()), sizesOf(getFilter()),
                     sizesOf(getSkipFilter()), bias);
}

} // namespace tessera
