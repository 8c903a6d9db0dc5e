#include "tessera/ir/top/shapes.h"

#include <cmath>

namespace tessera {

ShapeOr interpShape(mlir::Operation *op, Sizes input, Sizes outSize, llvm::ArrayRef<double> scale,
                    llvm::StringRef mode, llvm::StringRef coordMode, llvm::StringRef nearestMode) {
  if (input.size() < 3)
    return op->emitOpError("input has shape ") << sizesText(input) << ", must be [..., h, w]";
  if (failed(checkCount(op, "out_size", outSize.size(), 2)) ||
      failed(checkCount(op, "scale", scale.size(), 2)) ||
      failed(checkOneOf(op, "mode", mode, {"nearest", "linear", "cubic"})) ||
      failed(checkOneOf(op, "coord_mode", coordMode,
                        {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
                         "half_pixel_symmetric"})) ||
      failed(checkOneOf(op, "nearest_mode", nearestMode,
                        {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})))
    return mlir::failure();
  for (int i = 0; i < 2; ++i) {
    if (outSize[i] < 1)
      return op->emitOpError("out_size is ")
             << sizesText(outSize) << ", every entry must be at least 1";
    if (!std::isfinite(scale[i]) || scale[i] <= 0)
      return op->emitOpError("scale ") << scale[i] << " must be finite and above 0";
  }
  llvm::SmallVector<int64_t> out(input);
  out[input.size() - 2] = outSize[0];
  out[input.size() - 1] = outSize[1];
  return out;
}

ShapeOr top::InterpOp::inferShape() {
  return interpShape(*this, sizesOf(getInput()), getOutSize(), getScale(), getMode(),
                     getCoordMode(), getNearestMode());
}

} // namespace tessera
