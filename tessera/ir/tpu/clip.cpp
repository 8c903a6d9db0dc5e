#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::ClipOp::verify() {
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat))
    return mlir::failure();
  if (!*isFloat)
    return emitOpError("result is ") << getResult().getType() << ", must be a float type";
  double low = getMin().convertToDouble(), high = getMax().convertToDouble();
  if (!(low <= high))
    return emitOpError("min ") << low << " is not at most max " << high;
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getInput())));
}

} // namespace tessera
