#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::Pool2DOp::verify() {
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat) || failed(checkSameType(*this, "input", getInput())) ||
      failed(checkOneOf(*this, "pool_mode", getPoolMode(), {"Max", "Avg"})))
    return mlir::failure();
  if (getPoolMode() == "Avg" && !*isFloat)
    return emitOpError("pool_mode Avg has no integer form, the result is ")
           << getOutput().getType();
  if (getPoolMode() == "Avg" && failed(checkNoHalf(*this, "pool_mode Avg")))
    return mlir::failure();
  return checkResultShape(*this,
                          poolShape(*this, sizesOf(getInput()), windowAttrs(*this), getCeilMode()));
}

} // namespace tessera
