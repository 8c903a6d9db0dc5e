#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerDeconv(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::DeconvOp>(operation);
  if (!l.isWeight(op.getFilter()) || (op.getBias() && !l.isWeight(op.getBias())))
    return l.refuse(op, "has a filter or bias that is computed in the network",
                    "only constant filters are supported");
  const Tensor &filter = l.weight(op.getFilter());
  const Tensor *bias = op.getBias() ? &l.weight(op.getBias()) : nullptr;
  mlir::Value input = l.value(op.getInput());
  auto type = l.typeFromTable(op);
  std::string name = ir::nameOf(op);
  QuantizedFilter q;
  mlir::Value w, b;
  if (l.integer()) {
    auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
    if (!element)
      return;
    if (op.getDoRelu() && element.isSigned())
      return l.refuse(op, "ends in ReLU but its table row has a negative minimum",
                      "calibrate this very model again");
    q = quantizeFilter(filter, bias, ir::scaleOf(input), element.getScale());
    w = l.createWeight(op, name + (q.filter.dtype() == DType::U8 ? "_filter_u8" : "_filter_i8"),
                       q.filter);
    b = bias ? l.createWeight(op, name + "_bias_int32", q.bias) : mlir::Value();
  } else {
    w = l.createWeight(op, name + "_filter_f32", filter);
    b = bias ? l.createWeight(op, name + "_bias_f32", *bias) : mlir::Value();
  }
  l.replace(op, l.create<tpu::DeconvOp>(op, type, input, w, b, op.getKernelShape(), op.getStrides(),
                                        op.getPads(), op.getDilations(), op.getOutputPadding(),
                                        op.getGroup(), op.getDoRelu(), q.multiplier, q.rshift));
}

} // namespace tessera::quantize
