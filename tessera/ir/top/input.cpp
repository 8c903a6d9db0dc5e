#include "tessera/ir/top/shapes.h"

#include <cmath>

namespace tessera {

mlir::LogicalResult checkInputRecipe(mlir::Operation *op, llvm::ArrayRef<double> mean,
                                     llvm::ArrayRef<double> scale, Sizes resizeDims) {
  if (mean.size() != scale.size())
    return op->emitOpError("mean has ")
           << mean.size() << " entries, scale has " << scale.size() << "; they must be equal";
  for (double m : mean)
    if (!std::isfinite(m))
      return op->emitOpError("mean holds ") << m << ", must be finite";
  for (double s : scale)
    if (!std::isfinite(s))
      return op->emitOpError("scale holds ") << s << ", must be finite";
  if (!resizeDims.empty() && resizeDims.size() != 2)
    return op->emitOpError("resize_dims is ")
           << sizesText(resizeDims) << ", must be height and width or empty";
  for (int64_t d : resizeDims)
    if (d < 1)
      return op->emitOpError("resize_dims is ")
             << sizesText(resizeDims) << ", every entry must be at least 1";
  return mlir::success();
}

mlir::LogicalResult top::InputOp::verify() {
  if (getInput().getType() != getOutput().getType())
    return emitOpError("takes ") << getInput().getType() << " and gives " << getOutput().getType()
                                 << "; they must be equal";
  return checkInputRecipe(*this, getMean(), getScale(), getResizeDims());
}

} // namespace tessera
