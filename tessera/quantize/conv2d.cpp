#include "tessera/quantize/lowering.h"

#include "tessera/chip/chip.h"

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

/// `filter` [oc, ic, kh, kw] with zeros between its cells, so that they lie `times` as far apart.
Tensor spread(const Tensor &filter, const std::array<int64_t, 2> &times) {
  int64_t kh = filter.dim(2), kw = filter.dim(3);
  Shape shape{filter.dim(0), filter.dim(1), (kh - 1) * times[0] + 1, (kw - 1) * times[1] + 1};
  Tensor wide(DType::F32, shape);
  auto from = filter.as<float>();
  auto to = wide.as<float>();
  for (size_t i = 0; i < from.size(); ++i) {
    int64_t x = int64_t(i) % kw, y = int64_t(i) / kw % kh, plane = int64_t(i) / (kw * kh);
    to[size_t((plane * shape[2] + y * times[0]) * shape[3] + x * times[1])] = from[i];
  }
  return wide;
}

/// The smallest number that divides `dilation` to what a command takes.
int64_t spreadOf(int64_t dilation) {
  int64_t times = 1;
  while (dilation % times || dilation / times > chip::kMaxDilation)
    ++times;
  return times;
}

} // namespace

/// Windows beyond the command's fields: cells too far apart are some of a larger kernel's, and
/// pads that are too wide an op of their own.
void lowerConv2D(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::ConvOp>(operation);
  mlir::Value input = l.value(op.getInput());
  if (!l.isWeight(op.getFilter()) || (op.getBias() && !l.isWeight(op.getBias())))
    return l.refuse(op, "has a filter or bias that is computed in the network",
                    "only constant filters are supported");
  Tensor filter = l.weight(op.getFilter());
  llvm::SmallVector<int64_t> kernel(op.getKernelShape()), pads(op.getPads()),
      dilations(op.getDilations());
  std::array<int64_t, 2> times{spreadOf(dilations[0]), spreadOf(dilations[1])};
  if (times != std::array<int64_t, 2>{1, 1}) {
    filter = spread(filter, times);
    for (size_t a = 0; a < 2; ++a) {
      kernel[a] = filter.dim(2 + a);
      dilations[a] /= times[a];
    }
  }
  auto f = lowerFilter(l, op, input, filter, op.getBias() ? &l.weight(op.getBias()) : nullptr,
                       op.getDoRelu());
  if (!f)
    return;
  std::vector<double> values;
  if (auto raw = op.getPadValue())
    values = l.integer() ? quantizePadding(l, op, *raw, input) : raw->vec();
  if (llvm::any_of(pads, [](int64_t p) { return p > chip::kMaxPad; })) {
    if (llvm::any_of(values, [&](double v) { return v != values[0]; }))
      return l.refuse(op, "pads by more than 15 with a value for each channel",
                      "move the mean to the flags (--mean) instead of the model");
    Shape shape = ir::shapeOf(input);
    shape[2] += pads[0] + pads[2];
    shape[3] += pads[1] + pads[3];
    input = l.createNamed<tpu::PadOp>(
        op, ir::nameOf(op) + "_padded", l.resized(input, shape), input,
        llvm::ArrayRef<int64_t>{0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]},
        llvm::APFloat(values.empty() ? 0.0 : values[0]));
    pads.assign(4, 0);
    values.clear();
  }
  auto pad = values.empty() ? mlir::DenseF64ArrayAttr() : l.builder.getDenseF64ArrayAttr(values);
  l.replace(op, l.create<tpu::Conv2DOp>(op, f->type, input, f->filter, f->bias, kernel,
                                        op.getStrides(), pads, dilations, op.getGroup(),
                                        op.getDoRelu(), pad, f->multiplier, f->rshift));
}

} // namespace tessera::quantize
