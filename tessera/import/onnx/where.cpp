#include "tessera/import/onnx/binary.h"

namespace tessera::onnx_import {

void importWhere(Node &n) {
  if (!n.countInputs(3, 3))
    return;
  for (size_t i = 0; i < 3; ++i)
    if (n.in(i).broken)
      return;
  if (n.allConstant())
    return setFolded(n, fold::where(*n.in(0).data, *n.in(1).data, *n.in(2).data));
  if (n.in(0).type != DType::Bool || n.in(1).type != n.in(2).type) {
    n.problem("bad-node", std::string("inputs have types ") + dtypeName(n.in(0).type) + ", " +
                              dtypeName(n.in(1).type) + " and " + dtypeName(n.in(2).type) +
                              ", must be bool and two of one type");
    return;
  }
  mlir::Value c = n.operand(0), a = n.operand(1), b = n.operand(2);
  n.emit<top::WhereOp>(n.in(1).type, c, a, b);
}

} // namespace tessera::onnx_import
