#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerDeconv(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::DeconvOp>(operation);
  mlir::Value input = l.value(op.getInput());
  auto f = lowerFilter(l, op, input, op.getFilter(), op.getBias(), op.getDoRelu());
  if (!f)
    return;
  l.replace(op, l.create<tpu::DeconvOp>(op, f->type, input, f->filter, f->bias, op.getKernelShape(),
                                        op.getStrides(), op.getPads(), op.getDilations(),
                                        op.getOutputPadding(), op.getGroup(), op.getDoRelu(),
                                        f->multiplier, f->rshift));
}

} // namespace tessera::quantize
