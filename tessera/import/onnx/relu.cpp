#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {

void importRelu(Node &n) {
  if (n.countInputs(1, 1))
    n.emit<top::ReluOp>(n.in(0).type, n.operand(0));
}

} // namespace tessera::onnx_import
