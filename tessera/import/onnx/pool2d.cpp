#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {

void importMaxPool(Node &n) {
  if (!n.countInputs(1, 1) || !n.spatial())
    return;
  Window2d w = n.window(std::nullopt);
  n.resolvePads(w, n.shape(0));
  bool ceil = n.flagAttr("ceil_mode", false);
  n.intAttr("storage_order", 0); // of the second result, which is refused where it is used
  n.emit<top::MaxPoolOp>(n.in(0).type, n.operand(0), w.kernel, w.strides, w.pads, w.dilations, ceil,
                         /*do_relu=*/false);
}

void importAveragePool(Node &n) {
  if (!n.countInputs(1, 1) || !n.spatial())
    return;
  n.floatOnly(0);
  Window2d w = n.window(std::nullopt);
  n.resolvePads(w, n.shape(0));
  bool ceil = n.flagAttr("ceil_mode", false), padded = n.flagAttr("count_include_pad", false);
  n.emit<top::AvgPoolOp>(n.in(0).type, n.operand(0), w.kernel, w.strides, w.pads, w.dilations,
                         padded, ceil, /*do_relu=*/false);
}

void importGlobalPool(Node &n) {
  if (!n.countInputs(1, 1) || !n.spatial())
    return;
  n.floatOnly(0);
  Window2d w;
  w.kernel = {n.shape(0)[2], n.shape(0)[3]};
  if (n.proto.op_type() == "GlobalMaxPool")
    n.emit<top::MaxPoolOp>(n.in(0).type, n.operand(0), w.kernel, w.strides, w.pads, w.dilations);
  else
    n.emit<top::AvgPoolOp>(n.in(0).type, n.operand(0), w.kernel, w.strides, w.pads, w.dilations);
}

} // namespace tessera::onnx_import
