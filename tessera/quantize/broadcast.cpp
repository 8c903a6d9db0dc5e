// Operands of other shapes than the result: repeated, or constants that act by channel.
#include "tessera/quantize/lowering.h"

#include <algorithm>
#include <cmath>

namespace tessera::quantize {

mlir::Value Lowering::broadcast(mlir::Operation *op, mlir::Value lowered, const Shape &shape) {
  Shape own = ir::shapeOf(lowered);
  if (own == shape)
    return lowered;
  bool fits = own.size() == 4 && shape.size() == 4;
  for (size_t a = 0; fits && a < 4; ++a)
    fits = own[a] == shape[a] || own[a] == 1;
  if (!fits) {
    refuse(op,
           "broadcasts " + shapeText(own) + " to " + shapeText(shape) + ", which has no " + mode_ +
               " form",
           "tensors of four axes have one");
    return {};
  }
  std::string name = ir::nameOf(lowered) + "_for_" + ir::nameOf(op);
  if (own[2] != shape[2] || own[3] != shape[3]) {
    Shape wide{own[0], own[1], shape[2], shape[3]};
    lowered =
        createNamed<tpu::InterpOp>(op, name + "_plane", resized(lowered, wide), lowered,
                                   llvm::ArrayRef<int64_t>{shape[2], shape[3]},
                                   llvm::ArrayRef<double>{double(shape[2]) / double(own[2]),
                                                          double(shape[3]) / double(own[3])},
                                   "nearest", "asymmetric", "floor", llvm::APFloat(-0.75), false);
  }
  if (own[1] != shape[1])
    lowered = createNamed<tpu::ConcatOp>(
        op, name, resized(lowered, {own[0], shape[1], shape[2], shape[3]}),
        llvm::SmallVector<mlir::Value>(size_t(shape[1]), lowered), 1);
  if (own[0] != shape[0])
    lowered =
        createNamed<tpu::ConcatOp>(op, name + "_batch", resized(lowered, shape),
                                   llvm::SmallVector<mlir::Value>(size_t(shape[0]), lowered), 0);
  return lowered;
}

mlir::Value Lowering::operand(mlir::Operation *op, mlir::Value top, double scale) {
  Shape shape = ir::shapeOf(op->getResult(0));
  return isWeight(top) ? constant(op, weight(top), shape, scale) : broadcast(op, value(top), shape);
}

namespace {

/// `array` repeated to `shape`.
Tensor repeated(const Tensor &array, const Shape &shape) {
  Tensor all(DType::F32, shape);
  auto from = array.as<float>();
  for (int64_t i = 0; i < all.count(); ++i) {
    int64_t rest = i, at = 0, stride = 1;
    for (size_t a = shape.size(); a-- > 0; rest /= shape[a]) {
      size_t missing = shape.size() - array.rank();
      if (a < missing || array.dim(a - missing) == 1)
        continue;
      at += rest % shape[a] * stride;
      stride *= shape[a];
    }
    all.as<float>()[size_t(i)] = from[size_t(at)];
  }
  return all;
}

} // namespace

mlir::Value Lowering::constant(mlir::Operation *op, const Tensor &array, const Shape &shape,
                               double scale) {
  if (!integer())
    return constantOf(op, array, ir::plainType(context(), shape, floating()));
  float least = 0, most = 0;
  for (float v : array.as<float>()) {
    least = std::min(least, v);
    most = std::max(most, v);
  }
  bool isSigned = least < 0;
  scale = std::max(scale, std::max(double(most), -double(least)) / (isSigned ? 127 : 255));
  if (scale == 0 || !std::isfinite(scale))
    scale = 1; // nothing but zeros, or refused below
  return constantOf(op, array, ir::quantType(context(), shape, isSigned, scale));
}

mlir::Value Lowering::constantOf(mlir::Operation *op, const Tensor &array,
                                 mlir::RankedTensorType type) {
  // Both sides of an op may be constants of their own.
  std::string name = ir::nameOf(op) + "_constant";
  while (target_.weights.contains(name))
    name += "_";
  Shape shape(type.getShape());
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element) {
    auto values = roundedTo(*this, op, "constant", array, floating());
    if (!values)
      return {};
    mlir::Value v = createWeight(op, name, repeated(*values, shape));
    return v.getType() == type
               ? v
               : createNamed<tpu::CastOp>(op, name + "_" + dtypeName(floating()), type, v);
  }
  if (!std::ranges::all_of(array.as<float>(), [](float v) { return std::isfinite(v); })) {
    refuse(op, "has a constant with values that are not finite, which has no INT8 form",
           "make them finite in the model");
    return {};
  }
  Tensor values = repeated(array, shape), all(element.isSigned() ? DType::I8 : DType::U8, shape);
  for (int64_t i = 0; i < all.count(); ++i) {
    double stored = std::round(double(values.as<float>()[size_t(i)]) / element.getScale());
    all.bytes()[size_t(i)] = uint8_t(int(std::clamp(stored, double(element.getStorageTypeMin()),
                                                    double(element.getStorageTypeMax()))));
  }
  target_.weights.set(name, std::move(all));
  return createNamed<tpu::WeightOp>(op, name, type);
}

std::optional<Tensor> Lowering::perChannel(const Tensor &constant, const Shape &shape,
                                           const Shape &other) const {
  if (shape.size() != 4 || other != shape || constant.rank() > shape.size())
    return std::nullopt;
  size_t missing = shape.size() - constant.rank();
  for (size_t a = 0; a < constant.rank(); ++a)
    if (constant.dim(a) != 1 && (a + missing != 1 || constant.dim(a) != shape[1]))
      return std::nullopt;
  Tensor all(DType::F32, {shape[1]});
  auto from = constant.as<float>();
  for (int64_t c = 0; c < shape[1]; ++c)
    all.as<float>()[size_t(c)] = from[from.size() == 1 ? 0 : size_t(c)];
  return all;
}

void Lowering::lowerPerChannel(mlir::Operation *op, mlir::Value input, const Tensor &factor,
                               const Tensor &bias, bool relu) {
  Shape shape = ir::shapeOf(input);
  if (shape.size() != 4 || ir::shapeOf(op->getResult(0)) != shape)
    return refuse(
        op, "scales a tensor of shape " + shapeText(shape) + ", which has no " + mode_ + " form",
        "one of four axes that keeps its shape has one");
  auto f = lowerFilter(*this, op, input, factor.reshaped({shape[1], 1, 1, 1}), &bias, relu);
  if (!f)
    return;
  const int64_t ones[] = {1, 1}, none[] = {0, 0, 0, 0};
  replace(op, create<tpu::Conv2DOp>(op, f->type, input, f->filter, f->bias, ones, ones, none, ones,
                                    shape[1], relu, mlir::DenseF64ArrayAttr(), f->multiplier,
                                    f->rshift));
}

} // namespace tessera::quantize
