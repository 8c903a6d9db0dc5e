#include "tessera/ir/top/dialect.h"

#include "mlir/IR/Builders.h"
#include "tessera/ir/top/Dialect.cpp.inc"
#include "tessera/ir/top/Interfaces.cpp.inc"
#define GET_OP_CLASSES
#include "tessera/ir/top/Ops.cpp.inc"

namespace tessera {

void top::TopDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tessera/ir/top/Ops.cpp.inc"
      >();
}

mlir::LogicalResult verifyInferredShape(mlir::Operation *op) {
  auto shape = llvm::cast<ShapeInference>(op).inferShape();
  if (failed(shape))
    return mlir::failure();
  auto type = llvm::cast<mlir::RankedTensorType>(op->getResult(0).getType());
  if (type.getShape() == llvm::ArrayRef<int64_t>(*shape))
    return mlir::success();
  auto d = op->emitOpError("result has shape [");
  llvm::interleaveComma(type.getShape(), d);
  d << "], its operands and attributes give [";
  llvm::interleaveComma(*shape, d);
  return d << "]";
}

} // namespace tessera
