#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerScale(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::ScaleOp>(operation);
  l.lowerPerChannel(op, l.value(op.getInput()), l.weight(op.getScale()), l.weight(op.getBias()),
                    op.getDoRelu());
}

} // namespace tessera::quantize
