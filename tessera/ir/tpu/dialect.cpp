#include "tessera/ir/tpu/dialect.h"

#include "mlir/IR/Builders.h"
#include "tessera/ir/tpu/Dialect.cpp.inc"
#define GET_OP_CLASSES
#include "tessera/ir/tpu/Ops.cpp.inc"

namespace tessera {

void tpu::TpuDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tessera/ir/tpu/Ops.cpp.inc"
      >();
}

} // namespace tessera
