// Nodes that pass their input on.
#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {

void importIdentity(Node &n) {
  if (n.countInputs(1, 1) && !n.in(0).broken)
    n.setAlias(n.in(0));
}

void importDropout(Node &n) {
  if (!n.countInputs(1, n.opset() < 12 ? 1 : 3) || n.in(0).broken)
    return;
  n.floatAttr("ratio", 0.5);
  n.intAttr("seed", 0);
  if (n.has(2) && n.scalar(2, "training_mode") != 0)
    n.unsupported("training_mode is true: dropping values at random is not supported",
                  "export the model in evaluation mode (model.eval())");
  n.setAlias(n.in(0));
}

} // namespace tessera::onnx_import
