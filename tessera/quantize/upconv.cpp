// Both products of an UpConv meet in one int32 sum, so that one scale a channel holds for both
// filters: a step of the sum is S = max(|filter| * input scale, |skip filter| * skip scale) / 127.
#include "tessera/quantize/lowering.h"

#include <algorithm>
#include <cmath>

namespace tessera::quantize {
namespace {

constexpr double kSmallestWeightScale = 1e-5; // as filter.cpp has it
constexpr double kLargestBias = 1073741824.0; // 2^30

int8_t stored(double v) {
  return numerics::saturate<int8_t>(numerics::roundToInt(v, numerics::Rounding::HalfAway));
}

} // namespace

void lowerUpConv(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::UpConvOp>(operation);
  mlir::Value input = l.value(op.getInput()), skip = l.value(op.getSkip());
  const Tensor &low = l.weight(op.getFilter()), &side = l.weight(op.getSkipFilter());
  const Tensor *bias = op.getBias() ? &l.weight(op.getBias()) : nullptr;
  std::string name = ir::nameOf(op);
  auto type = l.typeFromTable(op);
  auto create = [&](Tensor filter, Tensor skipFilter, Tensor biases, const std::string &suffix,
                    std::vector<int32_t> multiplier, std::vector<int32_t> rshift) {
    mlir::Value f = l.createWeight(op, name + "_filter" + suffix, std::move(filter));
    mlir::Value s = l.createWeight(op, name + "_skip_filter" + suffix, std::move(skipFilter));
    mlir::Value b = bias ? l.createWeight(op, name + "_bias" + suffix, std::move(biases)) : nullptr;
    l.replace(op, l.create<tpu::UpConvOp>(op, type, input, skip, f, s, b, op.getDoRelu(),
                                          multiplier, rshift));
  };
  if (!l.integer())
    return create(low.converted(l.floating()).converted(DType::F32),
                  side.converted(l.floating()).converted(DType::F32), bias ? *bias : Tensor(),
                  std::string("_") + dtypeName(l.floating()), {}, {});
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return; // the table's error is enough
  if (op.getDoRelu() && element.isSigned())
    return l.refuse(op, "ends in ReLU but its table row has a negative minimum",
                    "calibrate this very model again");
  double sx = ir::scaleOf(input), ss = ir::scaleOf(skip);
  int64_t oc = side.dim(0), lowCells = low.dim(2) * 4, sideCells = side.dim(1) * 9;
  Tensor lowInt(DType::I8, low.shape()), sideInt(DType::I8, side.shape());
  Tensor biasInt(DType::I32, {oc, 4, 4});
  std::vector<int32_t> multiplier, rshift;
  for (int64_t o = 0; o < oc; ++o) {
    double scale = kSmallestWeightScale * std::max(sx, ss);
    auto eachLow = [&](auto body) {
      for (int64_t phase = 0; phase < 4; ++phase)
        for (int64_t i = 0; i < lowCells; ++i)
          body(size_t((phase * oc + o) * lowCells + i));
    };
    auto eachSide = [&](auto body) {
      for (int64_t i = 0; i < sideCells; ++i)
        body(size_t(o * sideCells + i));
    };
    auto lowF = low.as<float>(), sideF = side.as<float>();
    eachLow([&](size_t i) { scale = std::max(scale, std::abs(double(lowF[i])) * sx / 127); });
    eachSide([&](size_t i) { scale = std::max(scale, std::abs(double(sideF[i])) * ss / 127); });
    for (size_t k = 0; bias && k < 16; ++k)
      scale =
          std::max(scale, std::abs(double(bias->as<float>()[size_t(o) * 16 + k])) / kLargestBias);
    eachLow([&](size_t i) { lowInt.as<int8_t>()[i] = stored(lowF[i] * sx / scale); });
    eachSide([&](size_t i) { sideInt.as<int8_t>()[i] = stored(sideF[i] * ss / scale); });
    for (size_t k = size_t(o) * 16; bias && k < size_t(o + 1) * 16; ++k)
      biasInt.as<int32_t>()[k] = numerics::saturate<int32_t>(
          numerics::roundToInt(bias->as<float>()[k] / scale, numerics::Rounding::HalfAway));
    auto factor = numerics::chooseMultiplier32(scale / element.getScale());
    multiplier.push_back(factor.multiplier);
    rshift.push_back(factor.rshift);
  }
  create(std::move(lowInt), std::move(sideInt), std::move(biasInt), "_int", multiplier, rshift);
}

} // namespace tessera::quantize
