#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerDiv(Lowering &l, mlir::Operation *operation) {
  if (!l.integer())
    return l.lowerAsFloat(operation);
  auto op = llvm::cast<top::DivOp>(operation);
  std::optional<Tensor> factor;
  if (l.isWeight(op.getRhs()) && !l.isWeight(op.getLhs()))
    factor = l.perChannel(l.weight(op.getRhs()), ir::shapeOf(op.getResult()));
  if (!factor)
    return l.refuse(op,
                    "divides by something other than a constant by channel, which has no INT8 "
                    "form",
                    "multiply by the reciprocal");
  for (float &v : factor->as<float>())
    v = 1 / v;
  l.lowerPerChannel(op, l.value(op.getLhs()), *factor, Tensor(DType::F32, factor->shape()),
                    op.getDoRelu());
}

} // namespace tessera::quantize
