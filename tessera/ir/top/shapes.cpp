#include "tessera/ir/top/shapes.h"

namespace tessera {

std::string sizesText(Sizes sizes) {
  std::string s = "[";
  for (size_t i = 0; i < sizes.size(); ++i) {
    s += i ? ", " : "";
    s += std::to_string(sizes[i]);
  }
  s += "]";
  return s;
}

mlir::LogicalResult checkCount(mlir::Operation *op, const char *name, size_t found, size_t count) {
  if (found == count)
    return mlir::success();
  return op->emitOpError(name) << " has " << found << " entries, needs " << count;
}

mlir::LogicalResult checkAxis(mlir::Operation *op, int64_t axis, size_t rank) {
  if (axis >= 0 && axis < int64_t(rank))
    return mlir::success();
  return op->emitOpError("axis ") << axis << " is outside an input of rank " << rank;
}

mlir::LogicalResult checkOneOf(mlir::Operation *op, const char *name, llvm::StringRef value,
                               llvm::ArrayRef<llvm::StringRef> allowed) {
  if (llvm::is_contained(allowed, value))
    return mlir::success();
  auto d = op->emitOpError(name) << " is '" << value << "', must be one of ";
  llvm::interleaveComma(allowed, d);
  return d;
}

mlir::LogicalResult checkResultShape(mlir::Operation *op, const ShapeOr &shape) {
  if (failed(shape))
    return mlir::failure();
  Sizes written = sizesOf(op->getResult(0));
  if (written == Sizes(*shape))
    return mlir::success();
  return op->emitOpError("result has shape ")
         << sizesText(written) << ", its operands and attributes give " << sizesText(*shape);
}

mlir::LogicalResult verifyInferredShape(mlir::Operation *op) {
  return checkResultShape(op, llvm::cast<ShapeInference>(op).inferShape());
}

ShapeOr broadcastShape(mlir::Operation *op, Sizes a, Sizes b) {
  size_t rank = std::max(a.size(), b.size());
  llvm::SmallVector<int64_t> out(rank);
  for (size_t i = 0; i < rank; ++i) {
    int64_t da = i + a.size() < rank ? 1 : a[i + a.size() - rank];
    int64_t db = i + b.size() < rank ? 1 : b[i + b.size() - rank];
    if (da != db && da != 1 && db != 1)
      return op->emitOpError("shapes ")
             << sizesText(a) << " and " << sizesText(b) << " do not broadcast: axis " << i
             << " has sizes " << da << " and " << db;
    out[i] = da == 1 ? db : da;
  }
  return out;
}

} // namespace tessera
