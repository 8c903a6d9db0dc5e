#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::LutOp::verify() {
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat))
    return mlir::failure();
  if (*isFloat)
    return emitOpError("looks up floats, must be 8-bit integers");
  if (getTable().size() != 256)
    return emitOpError("table has ") << getTable().size() << " values, must be 256";
  for (int32_t v : getTable())
    if (failed(checkStorable(*this, "table", v, getOutput())))
      return mlir::failure();
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getInput())));
}

} // namespace tessera
