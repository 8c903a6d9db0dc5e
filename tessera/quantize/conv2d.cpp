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

/// Floats have no such padding cells: what the window needs around the input becomes an op of its
/// own, one for each run of channels with the same value.
mlir::Value padChannels(Lowering &l, top::ConvOp op, llvm::ArrayRef<double> raw,
                        mlir::Value input) {
  Shape shape = ir::shapeOf(input);
  auto typed = [&] { return ir::plainType(l.context(), shape, l.floating()); };
  llvm::ArrayRef<int64_t> p = op.getPads();
  std::string name = ir::nameOf(op);
  llvm::SmallVector<mlir::Value> parts;
  int64_t channels = shape[1], height = shape[2], width = shape[3];
  for (int64_t c = 0, end; c < channels; c = end) {
    for (end = c + 1; end < channels && raw[end] == raw[c];)
      ++end;
    mlir::Value part = input;
    std::string number = std::to_string(c);
    shape = {shape[0], end - c, height, width};
    if (end - c < channels)
      part = l.createNamed<tpu::SliceOp>(op, name + "_channels_" + number, typed(), input,
                                         llvm::ArrayRef<int64_t>{0, c, 0, 0},
                                         llvm::ArrayRef<int64_t>{1, 1, 1, 1}, shape);
    shape[2] += p[0] + p[2];
    shape[3] += p[1] + p[3];
    parts.push_back(l.createNamed<tpu::PadOp>(
        op, name + "_pad_" + number, typed(), part,
        llvm::ArrayRef<int64_t>{0, 0, p[0], p[1], 0, 0, p[2], p[3]}, llvm::APFloat(raw[c])));
  }
  shape[1] = channels;
  return parts.size() == 1 ? parts[0]
                           : l.createNamed<tpu::ConcatOp>(op, name + "_padded", typed(), parts, 1);
}

} // namespace

void lowerConv2D(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::ConvOp>(operation);
  mlir::Value input = l.value(op.getInput());
  auto f = lowerFilter(l, op, input, op.getFilter(), op.getBias(), op.getDoRelu());
  if (!f)
    return;
  mlir::DenseF64ArrayAttr pad;
  llvm::SmallVector<int64_t> pads(op.getPads());
  if (auto raw = op.getPadValue(); raw && l.integer()) {
    pad = l.builder.getDenseF64ArrayAttr(quantizePadding(l, op, *raw, input));
  } else if (raw && llvm::any_of(*raw, [](double v) { return v != 0; })) {
    input = padChannels(l, op, *raw, input);
    pads.assign(4, 0);
  }
  l.replace(op, l.create<tpu::Conv2DOp>(op, f->type, input, f->filter, f->bias, op.getKernelShape(),
                                        op.getStrides(), pads, op.getDilations(), op.getGroup(),
                                        op.getDoRelu(), pad, f->multiplier, f->rshift));
}

} // namespace tessera::quantize
