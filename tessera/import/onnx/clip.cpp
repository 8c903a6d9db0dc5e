#include "tessera/import/onnx/rules.h"

#include <cfloat>
#include <cmath>

namespace tessera::onnx_import {
namespace {

void emitClip(Node &n, size_t input, double low, double high) {
  if (std::isnan(low) || std::isnan(high))
    n.problem("bad-node", "a bound is NaN");
  // No bound and an infinite bound are the ends of f32, as onnxruntime has them.
  low = std::clamp(low, -double(FLT_MAX), double(FLT_MAX));
  high = std::clamp(high, -double(FLT_MAX), double(FLT_MAX));
  n.emit<top::ClipOp>(n.in(input).type, n.operand(input), llvm::APFloat(low), llvm::APFloat(high));
}

} // namespace

void importClip(Node &n) {
  if (!n.countInputs(1, n.opset() < 11 ? 1 : 3))
    return;
  double low = -double(FLT_MAX), high = double(FLT_MAX);
  if (n.opset() < 11) {
    low = n.floatAttr("min", low);
    high = n.floatAttr("max", high);
  } else {
    for (const char *name : {"min", "max"})
      if (n.hasAttribute(name))
        n.problem("bad-node",
                  std::string("attribute ") + name + " is " +
                      "of opsets before 11, the model has opset " + std::to_string(n.opset()),
                  "give it as an input");
    if (n.has(1))
      low = n.scalar(1, "the lower bound");
    if (n.has(2))
      high = n.scalar(2, "the upper bound");
  }
  emitClip(n, 0, low, high);
}

void importMinMax(Node &n) {
  if (n.allConstant())
    return importBinaryConstant(n);
  if (n.inputs() == 1)
    return n.setAlias(n.in(0));
  // min(x, c) and max(x, c) are one-sided clips.
  size_t computed = n.inputs() == 2 && n.in(0).constant() ? 1 : 0;
  if (n.inputs() != 2 || !n.in(1 - computed).constant() || n.in(1 - computed).data->count() != 1) {
    n.problem("unsupported-op",
              n.proto.op_type() + " of " + std::to_string(n.inputs()) +
                  " inputs is supported for one computed tensor and one constant number only",
              "write it with Relu or Clip, or with Greater and Where");
    return;
  }
  double bound = n.scalar(1 - computed, "the bound");
  bool low = n.proto.op_type() == "Max";
  emitClip(n, computed, low ? bound : -double(FLT_MAX), low ? double(FLT_MAX) : bound);
}

} // namespace tessera::onnx_import
