#include "tessera/quantize/lowering.h"

#include <cmath>
#include <utility>

namespace tessera::quantize {
namespace {

/// Windows along one axis that see equally many cells: results [first, first + count) of the cells
/// from input cell `begin`, `kernel` of each window, as a mean over `divisor` cells.
struct Windows {
  int64_t first = 0, count = 0, begin = 0, kernel = 0, divisor = 0;
};
std::vector<Windows> windowsOf(top::AvgPoolOp op, size_t axis, int64_t in, int64_t out) {
  int64_t stride = op.getStrides()[axis], dilation = op.getDilations()[axis];
  int64_t before = op.getPads()[axis], behind = op.getPads()[axis + 2];
  std::vector<Windows> list;
  for (int64_t o = 0; o < out; ++o) {
    Windows w{o, 1, -1, 0, 0};
    for (int64_t k = 0; k < op.getKernelShape()[axis]; ++k) {
      int64_t cell = o * stride + k * dilation - before;
      bool inside = cell >= 0 && cell < in;
      if (inside && w.kernel++ == 0)
        w.begin = cell;
      w.divisor += op.getCountIncludePad() ? cell < in + behind : inside;
    }
    // A run goes on where the next window's cells lie a stride behind.
    bool more = !list.empty() && list.back().kernel == w.kernel &&
                list.back().divisor == w.divisor &&
                list.back().begin + list.back().count * stride == w.begin;
    if (more)
      ++list.back().count;
    else
      list.push_back(w);
  }
  return list;
}

/// Shares of rshift 31 at most that a mean of `factor` is multiplied with; 0 where none does.
std::pair<int32_t, int32_t> shareOf(double factor) {
  int32_t rshift = 31;
  while (rshift > 0 && std::round(std::ldexp(factor, rshift)) > 255)
    --rshift;
  double multiplier = std::round(std::ldexp(factor, rshift));
  return {multiplier > 255 ? 0 : int32_t(multiplier), rshift};
}

void refuseEmptyWindows(Lowering &l, mlir::Operation *op) {
  l.refuse(op, "averages windows that see nothing but padding", "use pads smaller than the kernel");
}

// A half rounds every sum: of more cells than these they would soon stand still.
constexpr int64_t kMostHalfCells = 16;
// A maximum of columns, then of rows reads fewer cells than one of both, and is the same.
constexpr int64_t kFewestCellsByAxes = 25;
// An integer average of more cells than these could leave 32 bits; in floats a plane has to lie in
// local memory beside what else does.
constexpr int64_t kMostIntegerCells = 16384, kMostFloatCells = 8 << 10;

/// One window over all of a large plane: the mean of each row, then of those. No more of it than
/// one row has to lie in local memory, and sums stay short.
void lowerGlobalAverage(Lowering &l, top::AvgPoolOp op) {
  l.inF32();
  mlir::Value v = l.value(op.getInput());
  std::string name = ir::nameOf(op);
  Shape shape = ir::shapeOf(v);
  for (size_t axis : {3, 2}) {
    int64_t kernel[] = {1, 1}, ones[] = {1, 1}, none[] = {0, 0, 0, 0};
    kernel[axis - 2] = std::exchange(shape[axis], 1);
    bool last = axis == 2 && !op.getDoRelu();
    v = l.createNamed<tpu::Pool2DOp>(op, last ? name : name + (axis == 3 ? "_rows" : "_mean"),
                                     ir::plainType(l.context(), shape, DType::F32), v, "Avg",
                                     kernel, ones, none, ones, true, false, false, 0, 0);
  }
  l.replaceRectified(op, v, op.getDoRelu());
}

/// A mean over all cells of the windows, padding as zeros; where some do not count, times the ratio
/// of cells.
void lowerFloatAverage(Lowering &l, top::AvgPoolOp op) {
  Shape in = ir::shapeOf(op.getInput()), out = ir::shapeOf(op.getResult());
  llvm::SmallVector<int64_t> pads(op.getPads());
  std::array<std::vector<float>, 2> ratio; // by result row, column
  for (size_t a = 0; a < 2; ++a) {
    int64_t kernel = op.getKernelShape()[a];
    int64_t reach = (out[2 + a] - 1) * op.getStrides()[a] + (kernel - 1) * op.getDilations()[a] + 1;
    pads[2 + a] = std::max(pads[2 + a], reach - in[2 + a] - pads[a]); // what ceil_mode hangs over
    for (const Windows &w : windowsOf(op, a, in[2 + a], out[2 + a])) {
      if (w.divisor == 0)
        return refuseEmptyWindows(l, op);
      ratio[a].insert(ratio[a].end(), size_t(w.count), float(kernel) / float(w.divisor));
    }
  }
  Tensor factor(DType::F32, {1, 1, out[2], out[3]});
  for (size_t y = 0; y < ratio[0].size(); ++y)
    for (size_t x = 0; x < ratio[1].size(); ++x)
      factor.as<float>()[y * ratio[1].size() + x] = ratio[0][y] * ratio[1][x];
  bool split = llvm::any_of(factor.as<float>(), [](float v) { return v != 1; });
  if (op.getKernelShape()[0] * op.getKernelShape()[1] > kMostHalfCells)
    l.inF32();
  mlir::Value input = l.value(op.getInput());
  auto type = l.typeFromTable(op);
  bool relu = op.getDoRelu();
  mlir::Value result = l.createNamed<tpu::Pool2DOp>(
      op, ir::nameOf(op) + (split || relu ? "_mean" : ""), type, input, "Avg", op.getKernelShape(),
      op.getStrides(), pads, op.getDilations(), true, false, false, 0, 0);
  if (split)
    return l.lowerFloatPair<tpu::MulOp>(op, result, l.constant(op, factor, out), relu);
  l.replaceRectified(op, result, relu);
}

void lowerAverage(Lowering &l, top::AvgPoolOp op) {
  Shape plane = ir::shapeOf(op.getInput());
  bool global = op.getKernelShape() == llvm::ArrayRef(plane).drop_front(2) &&
                llvm::all_of(op.getPads(), [](int64_t p) { return p == 0; });
  if (global && plane[2] * plane[3] > (l.integer() ? kMostIntegerCells : kMostFloatCells))
    return lowerGlobalAverage(l, op);
  if (l.integer() && op.getKernelShape()[0] * op.getKernelShape()[1] > kMostIntegerCells)
    l.inF32();
  if (!l.integer())
    return lowerFloatAverage(l, op);
  mlir::Value input = l.value(op.getInput());
  Shape in = ir::shapeOf(input), out = ir::shapeOf(op.getResult());
  auto kernel = op.getKernelShape(), pads = op.getPads();
  // The command divides by one number. Where windows differ in it, those of each kind are a pool of
  // their own over the cells that they see, and a Concat joins them.
  bool padded = llvm::any_of(pads, [](int64_t p) { return p != 0; }), split = false;
  for (size_t a = 0; a < 2; ++a)
    split |= (out[2 + a] - 1) * op.getStrides()[a] + (kernel[a] - 1) * op.getDilations()[a] + 1 >
             in[2 + a] + pads[a] + pads[a + 2];
  split |= padded && !op.getCountIncludePad();
  auto type = l.typeFromTable(op);
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return; // its table row is missing
  // The chip's average is as signed as its input.
  bool isSigned = ir::dtypeOf(input) == DType::I8;
  double scale = element.getScale() * double(element.getStorageTypeMax()) / (isSigned ? 127 : 255);
  bool relu = op.getDoRelu() && isSigned, fits = true;
  std::string name = ir::nameOf(op) + (relu ? "_mean" : "");
  auto pool = [&](const std::string &name, mlir::Value from, const Shape &shape,
                  llvm::ArrayRef<int64_t> kernel, llvm::ArrayRef<int64_t> pads, int64_t divisor) {
    auto [multiplier, rshift] = shareOf(ir::scaleOf(input) / (scale * double(divisor)));
    fits &= multiplier > 0;
    return l.createNamed<tpu::Pool2DOp>(
        op, name, ir::quantType(l.context(), shape, isSigned, scale), from, "Avg", kernel,
        op.getStrides(), pads, op.getDilations(), true, false, false, multiplier, rshift);
  };
  mlir::Value result;
  if (!split) {
    result = pool(name, input, out, kernel, pads, kernel[0] * kernel[1]);
  } else {
    auto rows = windowsOf(op, 0, in[2], out[2]), columns = windowsOf(op, 1, in[3], out[3]);
    for (const auto *list : {&rows, &columns})
      for (const Windows &w : *list)
        if (w.kernel == 0)
          return refuseEmptyWindows(l, op);
    auto join = [&](const std::string &name, llvm::ArrayRef<mlir::Value> parts, int64_t axis) {
      if (parts.size() == 1)
        return parts[0];
      Shape shape = ir::shapeOf(parts[0]);
      for (mlir::Value v : parts.drop_front())
        shape[size_t(axis)] += ir::shapeOf(v)[size_t(axis)];
      auto joined = ir::quantType(l.context(), shape, isSigned, scale);
      return mlir::Value(l.createNamed<tpu::ConcatOp>(op, name, joined, parts, axis));
    };
    llvm::SmallVector<mlir::Value> bands;
    for (const Windows &y : rows) {
      std::string band = rows.size() == 1 ? name : name + "_" + std::to_string(y.first);
      llvm::SmallVector<mlir::Value> parts;
      for (const Windows &x : columns) {
        std::string part = columns.size() == 1 ? band : band + "_" + std::to_string(x.first);
        Shape seen{in[0], in[1], 0, 0};
        for (size_t a = 0; a < 2; ++a)
          seen[2 + a] = ((a ? x : y).count - 1) * op.getStrides()[a] +
                        ((a ? x : y).kernel - 1) * op.getDilations()[a] + 1;
        mlir::Value from = input;
        if (seen != in)
          from = l.createNamed<tpu::SliceOp>(
              op, part + "_seen", ir::quantType(l.context(), seen, isSigned, ir::scaleOf(input)),
              input, llvm::ArrayRef<int64_t>{0, 0, y.begin, x.begin},
              llvm::ArrayRef<int64_t>{1, 1, 1, 1}, seen);
        parts.push_back(pool(part, from, {in[0], in[1], y.count, x.count},
                             llvm::ArrayRef<int64_t>{y.kernel, x.kernel},
                             llvm::ArrayRef<int64_t>{0, 0, 0, 0}, y.divisor * x.divisor));
      }
      bands.push_back(join(band, parts, 3));
    }
    result = join(name, bands, 2);
  }
  if (!fits)
    return l.refuse(op,
                    "has scales too far apart: its input's " + std::to_string(ir::scaleOf(input)) +
                        ", its own " + std::to_string(scale),
                    "calibrate this very model again");
  l.replaceRectified(op, result, relu);
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
  bool relu = !l.integer() && op.getDoRelu();
  auto pool = [&](const std::string &name, mlir::RankedTensorType type, bool rows, bool columns) {
    auto part = [&](llvm::ArrayRef<int64_t> list, int64_t none) {
      llvm::SmallVector<int64_t> some(list);
      for (size_t a = 0; a < some.size(); ++a)
        some[a] = (a % 2 ? columns : rows) ? some[a] : none;
      return some;
    };
    return l.createNamed<tpu::Pool2DOp>(op, name, type, input, "Max", part(op.getKernelShape(), 1),
                                        part(op.getStrides(), 1), part(op.getPads(), 0),
                                        part(op.getDilations(), 1), false, op.getCeilMode(),
                                        relu && columns, 0, 0);
  };
  std::string name = ir::nameOf(op);
  auto kernel = op.getKernelShape();
  bool byAxes = std::min(kernel[0], kernel[1]) > 1 && kernel[0] * kernel[1] >= kFewestCellsByAxes;
  if (byAxes) {
    Shape shape = ir::shapeOf(input);
    shape[2] = ir::shapeOf(op.getResult())[2];
    input = pool(name + "_rows", l.resized(input, shape), true, false);
  }
  l.replace(op, pool(name, l.typeLike(input, op), !byAxes, true));
}

} // namespace tessera::quantize
