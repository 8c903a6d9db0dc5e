#include "tessera/import/onnx/rules.h"

#include <cmath>

namespace tessera::onnx_import {

void importLeakyRelu(Node &n) {
  if (!n.countInputs(1, 1))
    return;
  n.floatOnly(0);
  double alpha = n.floatAttr("alpha", 0.01f);
  if (!std::isfinite(alpha))
    n.problem("bad-node", fmt::format("attribute alpha is {}, must be finite", alpha));
  n.emit<top::LeakyReluOp>(n.in(0).type, n.operand(0), llvm::APFloat(alpha));
}

} // namespace tessera::onnx_import
