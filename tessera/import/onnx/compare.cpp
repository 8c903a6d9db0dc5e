#include "tessera/import/onnx/binary.h"

namespace tessera::onnx_import {

void importCompare(Node &n) {
  if (!checkPair(n))
    return;
  if (n.allConstant())
    return setFolded(n, fold::compare(n.proto.op_type(), *n.in(0).data, *n.in(1).data));
  mlir::Value lhs = n.operand(0), rhs = n.operand(1);
  n.emit<top::CompareOp>(DType::Bool, lhs, rhs, n.proto.op_type());
}

} // namespace tessera::onnx_import
