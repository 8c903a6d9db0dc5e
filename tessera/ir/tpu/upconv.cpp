#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::UpConvOp::verify() {
  std::optional<Sizes> bias;
  if (getBias())
    bias = sizesOf(getBias());
  if (failed(checkResultShape(*this,
                              upConvShape(*this, sizesOf(getInput()), sizesOf(getSkip()),
                                          sizesOf(getFilter()), sizesOf(getSkipFilter()), bias))))
    return mlir::failure();
  auto isFloat = floatForm(*this, {getInput(), getSkip()});
  if (failed(isFloat) || failed(checkWeights(*this, *isFloat, getFilter(), getBias())) ||
      failed(checkWeights(*this, *isFloat, getSkipFilter(), {})))
    return mlir::failure();
  for (mlir::Value filter : {getFilter(), getSkipFilter()})
    if (!*isFloat && !elementOf(filter).isSignlessInteger(8))
      return emitOpError("filter is ") << filter.getType() << ", must be i8";
  return checkRequantize(*this, *isFloat, getMultiplier(), getRshift(),
                         size_t(sizesOf(getSkipFilter())[0]), int64_t{1} << 31, -32);
}

} // namespace tessera
