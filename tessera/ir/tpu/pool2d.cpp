#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::Pool2DOp::verify() {
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat) || failed(checkOneOf(*this, "pool_mode", getPoolMode(), {"Max", "Avg"})))
    return mlir::failure();
  if (getPoolMode() == "Max" || *isFloat) {
    if (failed(checkSameType(*this, "input", getInput())))
      return mlir::failure();
    bool padded = llvm::any_of(getPads(), [](int64_t p) { return p != 0; });
    if (getPoolMode() == "Avg" && ((padded && !getCountIncludePad()) || getDoRelu()))
      return emitOpError("has no form of Avg with do_relu, or that leaves padding cells out");
  } else {
    int32_t multiplier = getMultiplier(), rshift = getRshift();
    if (failed(checkRequantize(*this, false, multiplier, rshift, 1, 256, 0)))
      return mlir::failure();
    if (multiplier < 0)
      return emitOpError("multiplier ") << multiplier << " must not be negative";
    if (quantOf(getInput()).isSigned() != quantOf(getOutput()).isSigned())
      return emitOpError("input is ") << getInput().getType() << ", result "
                                      << getOutput().getType() << "; both must have one sign";
    if (getDoRelu() || getCeilMode())
      return emitOpError("has no integer form of Avg with do_relu or ceil_mode");
    if (!getCountIncludePad() && llvm::any_of(getPads(), [](int64_t p) { return p != 0; }))
      return emitOpError("has no integer form of Avg that leaves padding cells out");
  }
  return checkResultShape(*this,
                          poolShape(*this, sizesOf(getInput()), windowAttrs(*this), getCeilMode()));
}

} // namespace tessera
