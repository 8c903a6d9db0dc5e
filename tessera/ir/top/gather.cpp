#include "tessera/ir/top/shapes.h"

namespace tessera {

ShapeOr top::GatherOp::inferShape() {
  Sizes input = sizesOf(getInput()), indices = getIndices();
  int64_t axis = getAxis();
  if (failed(checkAxis(*this, axis, input.size())))
    return mlir::failure();
  if (indices.empty())
    return emitOpError("indices is empty");
  if (!getKeepdims() && indices.size() != 1)
    return emitOpError("keepdims is false, but indices has ") << indices.size() << " entries";
  for (int64_t i : indices)
    if (i < 0 || i >= input[axis])
      return emitOpError("index ")
             << i << " is outside axis " << axis << " of size " << input[axis];
  llvm::SmallVector<int64_t> out(input);
  if (getKeepdims())
    out[axis] = int64_t(indices.size());
  else
    out.erase(out.begin() + axis);
  return out;
}

} // namespace tessera
