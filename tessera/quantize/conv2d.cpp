#include "tessera/quantize/lowering.h"

#include <cmath>

namespace tessera::quantize {
namespace {

// Padding cells hold `raw` per input channel; the chip holds whole numbers of the input's type.
std::vector<double> quantizePadding(Lowering &l, top::ConvOp op, llvm::ArrayRef<double> raw,
                                    mlir::Value input) {
  double scale = ir::scaleOf(input);
  bool isSigned = ir::dtypeOf(input) == DType::I8;
  double low = isSigned ? -128 : 0, high = isSigned ? 127 : 255, worst = 0;
  std::vector<double> result;
  for (double v : raw) {
    double q = static_cast<double>(numerics::roundToInt(v / scale, numerics::Rounding::HalfAway));
    if (q < low || q > high) {
      l.refuse(op,
               "needs padding cells of " + std::to_string(v) + " (" + std::to_string(v / scale) +
                   " steps of its input), outside the input type's " + std::to_string(int(low)) +
                   ".." + std::to_string(int(high)),
               "move the mean to the flags (--mean) instead of the model");
      return {};
    }
    worst = std::max(worst, std::abs(q * scale - v));
    result.push_back(q);
  }
  if (worst > 0)
    l.note(op, "padding values of the folded mean round to whole steps: off by up to " +
                   std::to_string(worst) + " input units (" + std::to_string(worst / scale) +
                   " of a step) on border pixels");
  return result;
}

} // namespace

void lowerConv2D(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::ConvOp>(operation);
  if (!l.isWeight(op.getFilter()) || (op.getBias() && !l.isWeight(op.getBias())))
    return l.refuse(op, "has a filter or bias that is computed in the network",
                    "only constant filters are supported");
  const Tensor &filter = l.weight(op.getFilter());
  const Tensor *bias = op.getBias() ? &l.weight(op.getBias()) : nullptr;
  mlir::Value input = l.value(op.getInput());
  auto type = l.typeFromTable(op);
  std::string name = ir::nameOf(op);
  if (!l.integer()) {
    mlir::Value w = l.createWeight(op, name + "_filter_f32", filter);
    mlir::Value b = bias ? l.createWeight(op, name + "_bias_f32", *bias) : mlir::Value();
    mlir::DenseF64ArrayAttr pad;
    if (op.getPadValue())
      pad = l.builder.getDenseF64ArrayAttr(*op.getPadValue());
    return l.replace(
        op, l.create<tpu::Conv2DOp>(op, type, input, w, b, op.getKernelShape(), op.getStrides(),
                                    op.getPads(), op.getDilations(), op.getGroup(), op.getDoRelu(),
                                    pad, llvm::ArrayRef<int32_t>(), llvm::ArrayRef<int32_t>()));
  }
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return; // the table's error is enough
  // ReLU is the unsigned result; a table whose min is negative after a ReLU belongs to another
  // model.
  if (op.getDoRelu() && element.isSigned())
    return l.refuse(op, "ends in ReLU but its table row has a negative minimum",
                    "calibrate this very model again");
  mlir::DenseF64ArrayAttr pad;
  if (op.getPadValue())
    pad = l.builder.getDenseF64ArrayAttr(quantizePadding(l, op, *op.getPadValue(), input));
  QuantizedFilter q = quantizeFilter(filter, bias, ir::scaleOf(input), element.getScale());
  mlir::Value w = l.createWeight(
      op, name + (q.filter.dtype() == DType::U8 ? "_filter_u8" : "_filter_i8"), q.filter);
  mlir::Value b = bias ? l.createWeight(op, name + "_bias_int32", q.bias) : mlir::Value();
  l.replace(op, l.create<tpu::Conv2DOp>(op, type, input, w, b, op.getKernelShape(), op.getStrides(),
                                        op.getPads(), op.getDilations(), op.getGroup(),
                                        op.getDoRelu(), pad, q.multiplier, q.rshift));
}

} // namespace tessera::quantize
