#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {

void importSoftmax(Node &n) {
  if (!n.countInputs(1, 1))
    return;
  n.floatOnly(0);
  const Shape shape = n.shape(0);
  bool rows = n.opset() < 13; // then all axes from `axis` on are one row
  int64_t axis = n.axis(n.intAttr("axis", rows ? 1 : -1), shape.size());
  if (n.failed())
    return;
  DType type = n.in(0).type;
  if (rows) {
    int64_t wide = 0, last = axis;
    for (size_t d = size_t(axis); d < shape.size(); ++d)
      if (shape[d] != 1) {
        ++wide;
        last = int64_t(d);
      }
    if (wide > 1) {
      int64_t outer = elementCount(std::span(shape).first(size_t(axis)));
      int64_t inner = elementCount(std::span(shape).subspan(size_t(axis)));
      mlir::Value flat = n.emitInner<top::ReshapeOp>("rows", n.operand(0), Ints{outer, inner});
      mlir::Value soft = n.emitInner<top::SoftmaxOp>("rows_Softmax", flat, uint64_t(1));
      n.emit<top::ReshapeOp>(type, soft, shape);
      return;
    }
    axis = last;
  }
  n.emit<top::SoftmaxOp>(type, n.operand(0), uint64_t(axis));
}

} // namespace tessera::onnx_import
