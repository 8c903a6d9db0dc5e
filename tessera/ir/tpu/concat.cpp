#include "tessera/ir/tpu/verify.h"

namespace tessera {

mlir::LogicalResult tpu::ConcatOp::verify() {
  if (failed(floatForm(*this, getInputs())))
    return mlir::failure();
  llvm::SmallVector<Sizes> shapes;
  for (auto [i, v] : llvm::enumerate(getInputs())) {
    if (failed(checkSameType(*this, ("input " + std::to_string(i)).c_str(), v)))
      return mlir::failure();
    shapes.push_back(sizesOf(v));
  }
  return checkResultShape(*this, concatShape(*this, shapes, getAxis()));
}

} // namespace tessera
