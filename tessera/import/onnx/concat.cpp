#include "tessera/import/onnx/fold/fold.h"
#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {

void importConcat(Node &n) {
  if (!n.countInputs(1, SIZE_MAX))
    return;
  if (!n.hasAttribute("axis"))
    n.problem("bad-node", "attribute axis is missing");
  int64_t axis = n.axis(n.intAttr("axis", 0), n.shape(0).size());
  for (size_t i = 1; i < n.inputs() && !n.failed(); ++i)
    if (n.in(i).type != n.in(0).type)
      n.problem("bad-node", "inputs '" + n.in(0).name + "' and '" + n.in(i).name + "' have types " +
                                dtypeName(n.in(0).type) + " and " + dtypeName(n.in(i).type) +
                                ", they must be equal");
  if (n.failed())
    return;
  if (n.inputs() == 1)
    return n.setAlias(n.in(0));
  if (n.allConstant()) {
    std::vector<Tensor> parts;
    for (size_t i = 0; i < n.inputs(); ++i) {
      Shape a = n.shape(0), b = n.shape(i);
      if (b.size() == a.size())
        a[size_t(axis)] = b[size_t(axis)] = 0;
      if (a != b) {
        n.problem("bad-shape", "input 0 has shape " + shapeText(n.shape(0)) + ", input " +
                                   std::to_string(i) + " has " + shapeText(n.shape(i)) +
                                   "; they may differ only along axis " + std::to_string(axis));
        return;
      }
      parts.push_back(*n.in(i).data);
    }
    return n.setConstant(fold::concat(parts, axis));
  }
  llvm::SmallVector<mlir::Value> operands;
  for (size_t i = 0; i < n.inputs() && !n.failed(); ++i)
    operands.push_back(n.operand(i));
  n.emit<top::ConcatOp>(n.in(0).type, operands, uint64_t(axis));
}

} // namespace tessera::onnx_import
