#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::DeconvOp::verify() {
  std::optional<Sizes> bias;
  if (getBias())
    bias = sizesOf(getBias());
  if (failed(checkResultShape(*this, deconvShape(*this, sizesOf(getInput()), sizesOf(getFilter()),
                                                 bias, windowAttrs(*this), getOutputPadding(),
                                                 int64_t(getGroup())))))
    return mlir::failure();
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat) || failed(checkWeights(*this, *isFloat, getFilter(), getBias())))
    return mlir::failure();
  return checkRequantize(*this, *isFloat, getMultiplier(), getRshift(),
                         size_t(sizesOf(getFilter())[0]), int64_t{1} << 31, -32);
}

} // namespace tessera
