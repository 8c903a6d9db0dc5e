#include "tessera/quantize/lowering.h"

#include <cmath>

namespace tessera::quantize {
namespace {

void lowerAverage(Lowering &l, top::AvgPoolOp op) {
  if (!l.integer())
    l.inF32();
  mlir::Value input = l.value(op.getInput());
  if (!l.integer())
    return l.replace(op, l.create<tpu::Pool2DOp>(op, l.resultType(op, DType::F32, 0), input, "Avg",
                                                 op.getKernelShape(), op.getStrides(), op.getPads(),
                                                 op.getDilations(), op.getCountIncludePad(),
                                                 op.getCeilMode(), op.getDoRelu(), 0, 0));
  Shape in = ir::shapeOf(input), out = ir::shapeOf(op.getResult());
  auto kernel = op.getKernelShape(), pads = op.getPads();
  bool padded = llvm::any_of(pads, [](int64_t p) { return p != 0; });
  for (size_t a = 0; a < 2; ++a)
    if ((out[2 + a] - 1) * op.getStrides()[a] + (kernel[a] - 1) * op.getDilations()[a] + 1 >
        in[2 + a] + pads[a] + pads[a + 2])
      return l.refuse(op,
                      "averages windows that hang over the padded input, which has no INT8 form",
                      "leave out ceil_mode, or pad the input");
  if (padded && !op.getCountIncludePad())
    return l.refuse(op, "averages border windows without their padding, which has no INT8 form",
                    "count_include_pad = 1 or an input without padding has one");
  auto type = l.typeFromTable(op);
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return; // its table row is missing
  // The chip's average is as signed as its input.
  bool isSigned = ir::dtypeOf(input) == DType::I8;
  double scale = element.getScale() * double(element.getStorageTypeMax()) / (isSigned ? 127 : 255);
  double factor = ir::scaleOf(input) / (scale * double(kernel[0] * kernel[1]));
  int32_t rshift = 31;
  while (rshift > 0 && std::round(std::ldexp(factor, rshift)) > 255)
    --rshift;
  auto multiplier = int32_t(std::round(std::ldexp(factor, rshift)));
  if (multiplier < 1 || multiplier > 255)
    return l.refuse(op,
                    "has scales too far apart: its input's " + std::to_string(ir::scaleOf(input)) +
                        ", its own " + std::to_string(scale),
                    "calibrate this very model again");
  auto own = ir::quantType(l.context(), out, isSigned, scale);
  bool relu = op.getDoRelu() && isSigned;
  mlir::Value result = l.createNamed<tpu::Pool2DOp>(
      op, ir::nameOf(op) + (relu ? "_mean" : ""), own, input, "Avg", kernel, op.getStrides(), pads,
      op.getDilations(), true, false, false, multiplier, rshift);
  if (relu)
    result = l.create<tpu::ReluOp>(op, own, result);
  l.replace(op, result);
}

} // namespace

void lowerPool2D(Lowering &l, mlir::Operation *operation) {
  if (auto op = llvm::dyn_cast<top::AvgPoolOp>(operation))
    return lowerAverage(l, op);
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
                                    op.getCeilMode(), l.integer() ? false : op.getDoRelu(), 0, 0));
}

} // namespace tessera::quantize
