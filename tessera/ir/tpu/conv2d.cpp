#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::Conv2DOp::verify() {
  std::optional<Sizes> bias;
  if (getBias())
    bias = sizesOf(getBias());
  std::optional<size_t> padValues;
  if (auto values = getPadValue())
    padValues = values->size();
  if (failed(
          checkResultShape(*this, convShape(*this, sizesOf(getInput()), sizesOf(getFilter()), bias,
                                            windowAttrs(*this), int64_t(getGroup()), padValues))))
    return mlir::failure();
  auto isFloat = floatForm(*this, getInput());
  if (failed(isFloat) || failed(checkWeights(*this, *isFloat, getFilter(), getBias())))
    return mlir::failure();
  if (auto values = getPadValue())
    for (double v : *values)
      if (!*isFloat && failed(checkStorable(*this, "pad_value", v, getInput())))
        return mlir::failure();
  return checkRequantize(*this, *isFloat, getMultiplier(), getRshift(),
                         size_t(sizesOf(getFilter())[0]), int64_t{1} << 31, -32);
}

} // namespace tessera
