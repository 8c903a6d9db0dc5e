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

bool isTopTensor(mlir::Type type) {
  auto t = llvm::dyn_cast<mlir::RankedTensorType>(type);
  return t && t.getElementType().isF32() && t.hasStaticShape() && t.getNumElements() > 0;
}

} // namespace tessera
