#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr concatShape(mlir::Operation *op, llvm::ArrayRef<Sizes> inputs, int64_t axis) {
  if (inputs.empty())
    return op->emitOpError("has no inputs");
  llvm::SmallVector<int64_t> out(inputs[0]);
  if (failed(checkAxis(op, axis, out.size())))
    return mlir::failure();
  for (size_t i = 1; i < inputs.size(); ++i) {
    Sizes s = inputs[i];
    bool fits = s.size() == out.size();
    for (size_t d = 0; fits && d < s.size(); ++d)
      fits = int64_t(d) == axis || s[d] == out[d];
    if (!fits)
      return op->emitOpError("input 0 has shape ")
             << sizesText(inputs[0]) << ", input " << i << " has " << sizesText(s)
             << "; they may differ only along axis " << axis;
    out[axis] += s[axis];
  }
  return out;
}

ShapeOr top::ConcatOp::inferShape() {
  llvm::SmallVector<Sizes> shapes;
  for (mlir::Value v : getInputs())
    shapes.push_back(sizesOf(v));
  return concatShape(*this, shapes, getAxis());
}

} // namespace tessera
