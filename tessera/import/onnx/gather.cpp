#include "tessera/import/onnx/fold/fold.h"
#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {

void importGather(Node &n) {
  if (!n.countInputs(2, 2))
    return;
  const Shape shape = n.shape(0);
  int64_t axis = n.axis(n.intAttr("axis", 0), shape.size());
  const Tensor *given = n.constant(1, "the indices");
  if (!given || n.failed())
    return;
  if (given->dtype() != DType::I32 && given->dtype() != DType::I64) {
    n.problem("bad-node", std::string("the indices have type ") + dtypeName(given->dtype()) +
                              ", must be i32 or i64");
    return;
  }
  Tensor wide = given->converted(DType::I64);
  Ints indices(wide.as<int64_t>().begin(), wide.as<int64_t>().end());
  int64_t size = shape[size_t(axis)];
  for (int64_t &i : indices) {
    if (i < -size || i >= size) {
      n.problem("bad-node", "index " + std::to_string(i) + " is outside axis " +
                                std::to_string(axis) + " of size " + std::to_string(size));
      return;
    }
    i += i < 0 ? size : 0;
  }
  if (n.in(0).constant()) {
    Shape out = shape;
    out[size_t(axis)] = given->count();
    if (!fold::reasonable(out)) {
      n.problem("bad-shape", "the constant result would be too large");
      return;
    }
    return n.setConstant(fold::gather(*n.in(0).data, indices, given->shape(), axis));
  }
  if (given->rank() > 1) {
    n.unsupported("the indices have shape " + shapeText(given->shape()) +
                      ", of a computed tensor only a list or one number is supported",
                  "gather with a flat list and reshape");
    return;
  }
  n.emit<top::GatherOp>(n.in(0).type, n.operand(0), indices, uint64_t(axis), given->rank() == 1);
}

} // namespace tessera::onnx_import
