#include "tessera/import/onnx/binary.h"

namespace tessera::onnx_import {

void importCast(Node &n) {
  if (!n.countInputs(1, 1) || n.in(0).broken)
    return;
  if (!n.hasAttribute("to"))
    n.problem("bad-node", "attribute to is missing");
  n.intAttr("saturate", 1); // of 8-bit floats
  int64_t to = n.intAttr("to", 0);
  if (n.failed())
    return;
  auto type = to > 0 && to < 1000 ? dtypeOfOnnx(int(to)) : std::nullopt;
  if (!type) {
    n.unsupported("attribute to is " +
                      (to > 0 && to < 1000 ? onnxTypeName(int(to)) : std::to_string(to)) +
                      ", which has no numbers here",
                  "cast to FLOAT, BOOL or an integer type");
    return;
  }
  if (n.in(0).constant())
    return setFolded(n, fold::cast(*n.in(0).data, *type));
  if (n.in(0).type == *type)
    return n.setAlias(n.in(0));
  n.emit<top::CastOp>(*type, n.operand(0), dtypeName(*type));
}

} // namespace tessera::onnx_import
