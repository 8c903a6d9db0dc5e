#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerPool2D(Lowering &l, mlir::Operation *operation) {
  if (auto op = llvm::dyn_cast<top::AvgPoolOp>(operation)) {
    if (l.integer())
      return l.refuse(op, "has no INT8 form yet", "a stride-2 convolution or MaxPool has one");
    l.inF32();
    return l.replace(op, l.create<tpu::Pool2DOp>(
                             op, l.resultType(op, DType::F32, 0), l.value(op.getInput()), "Avg",
                             op.getKernelShape(), op.getStrides(), op.getPads(), op.getDilations(),
                             op.getCountIncludePad(), op.getCeilMode(), op.getDoRelu()));
  }
  // A maximum is one of its inputs: type and scale stay, whatever the table says.
  auto op = llvm::cast<top::MaxPoolOp>(operation);
  mlir::Value input = l.value(op.getInput());
  if (l.integer() && op.getDoRelu() && ir::dtypeOf(input) == DType::I8) {
    auto relu = l.createNamed<tpu::ReluOp>(op, ir::nameOf(op) + "_relu", input.getType(), input);
    input = relu; // max(relu(x)) = relu(max(x))
  }
  l.replace(op,
            l.create<tpu::Pool2DOp>(op, l.typeLike(input, op), input, "Max", op.getKernelShape(),
                                    op.getStrides(), op.getPads(), op.getDilations(), false,
                                    op.getCeilMode(), l.integer() ? false : op.getDoRelu()));
}

} // namespace tessera::quantize
