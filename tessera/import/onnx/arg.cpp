#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {

void importArg(Node &n) {
  if (!n.countInputs(1, 1))
    return;
  int64_t axis = n.axis(n.intAttr("axis", 0), n.shape(0).size());
  bool keepdims = n.flagAttr("keepdims", true), last = n.flagAttr("select_last_index", false);
  n.emit<top::ArgOp>(DType::I64, n.operand(0), uint64_t(axis), keepdims, n.proto.op_type(), last);
}

} // namespace tessera::onnx_import
