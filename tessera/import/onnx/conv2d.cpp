#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {

void importConv(Node &n) {
  if (!n.countInputs(2, 3) || !n.spatial())
    return;
  n.floatOnly(0);
  const Tensor *filter = n.constant(1, "the filter");
  if (!filter)
    return;
  if (filter->rank() != 4) {
    n.problem("bad-shape", "the filter '" + n.in(1).name + "' has shape " +
                               shapeText(filter->shape()) + ", must be [oc, ic/group, kh, kw]");
    return;
  }
  Window2d w = n.window({{filter->dim(2), filter->dim(3)}});
  n.resolvePads(w, n.shape(0));
  int64_t group = n.intAttr("group", 1);
  if (n.has(2))
    n.constant(2, "the bias");
  if (n.failed())
    return;
  mlir::Value x = n.operand(0), f = n.operand(1), bias = n.has(2) ? n.operand(2) : mlir::Value();
  n.emit<top::ConvOp>(n.in(0).type, x, f, bias, w.kernel, w.strides, w.pads, w.dilations,
                      uint64_t(group), /*do_relu=*/false, /*pad_value=*/nullptr);
}

} // namespace tessera::onnx_import
