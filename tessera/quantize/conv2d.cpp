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
  mlir::Value input = l.value(op.getInput());
  auto f = lowerFilter(l, op, input, op.getFilter(), op.getBias(), op.getDoRelu());
  if (!f)
    return;
  mlir::DenseF64ArrayAttr pad;
  if (auto raw = op.getPadValue(); raw && l.integer())
    pad = l.builder.getDenseF64ArrayAttr(quantizePadding(l, op, *raw, input));
  else if (raw)
    pad = l.builder.getDenseF64ArrayAttr(*raw);
  l.replace(op,
            l.create<tpu::Conv2DOp>(op, f->type, input, f->filter, f->bias, op.getKernelShape(),
                                    op.getStrides(), op.getPads(), op.getDilations(), op.getGroup(),
                                    op.getDoRelu(), pad, f->multiplier, f->rshift));
}

} // namespace tessera::quantize
