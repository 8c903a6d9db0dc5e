#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {

void importSigmoid(Node &n) {
  if (!n.countInputs(1, 1))
    return;
  n.floatOnly(0);
  n.emit<top::SigmoidOp>(n.in(0).type, n.operand(0));
}

} // namespace tessera::onnx_import
