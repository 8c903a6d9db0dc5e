#include "tessera/ir/tpu/verify.h"

#include <cmath>

namespace tessera {

mlir::LogicalResult tpu::CompareOp::verify() {
  if (getRhs()) {
    if (failed(checkFloatPair(*this, getInput(), getRhs())) ||
        failed(checkNoHalf(*this, "comparing")) ||
        failed(checkOneOf(*this, "mode", getMode(), {"Greater", "GreaterOrEqual", "Equal"})))
      return mlir::failure();
    return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getInput())));
  }
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat) || failed(checkNoHalf(*this, "comparing")) ||
      failed(checkOneOf(*this, "mode", getMode(), {"Greater", "Less"})) ||
      failed(checkCountResult(*this, *isFloat)))
    return mlir::failure();
  // A threshold outside the stored range is fine: it makes the result constant.
  double t = getThreshold().convertToDouble();
  if (!std::isfinite(t) || (!*isFloat && t != std::trunc(t)))
    return emitOpError("threshold is ")
           << t << ", must be a " << (*isFloat ? "finite" : "whole") << " number";
  return checkResultShape(*this, llvm::SmallVector<int64_t>(sizesOf(getInput())));
}

} // namespace tessera
