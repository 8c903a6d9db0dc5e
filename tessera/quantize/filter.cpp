// Weights of convolutions: per-channel symmetric scales, integer bias, requantize factors.
// Formulas: reference page "instruction streams" 4.5.
#include "tessera/quantize/lowering.h"

#include "tessera/tensor/window.h"

#include <algorithm>
#include <cmath>

namespace tessera::quantize {
namespace {

// Below this a filter is as good as zero, and the division by its scale would only amplify noise.
constexpr float kSmallestWeightScale = 1e-5f;
// |bias + accumulator| must stay inside int32: half of its range is left to the accumulator.
constexpr double kLargestBias = 1073741824.0; // 2^30

/// A filter, bias and requantize factors in integers.
struct QuantizedFilter {
  Tensor filter; ///< i8 or u8, shape as given
  Tensor bias;   ///< i32 [oc], empty if the op has none
  std::vector<int32_t> multiplier, rshift;
};

/// filter f32 [oc, ...], bias f32 [oc] or null; scales of input and output.
QuantizedFilter quantizeFilter(const Tensor &filter, const Tensor *bias, double inputScale,
                               double outputScale) {
  int64_t oc = filter.dim(0), inner = filter.count() / oc;
  auto w = filter.as<float>();
  // An all-positive filter uses the unsigned range, if no bias needs the sign.
  bool isUnsigned = !bias && std::all_of(w.begin(), w.end(), [](float v) { return v >= 0; });
  float top = isUnsigned ? 255.0f : 127.0f;
  QuantizedFilter q;
  q.filter = Tensor(isUnsigned ? DType::U8 : DType::I8, filter.shape());
  if (bias)
    q.bias = Tensor(DType::I32, {oc});
  for (int64_t o = 0; o < oc; ++o) {
    const float *row = w.data() + o * inner;
    float largest = 0;
    for (int64_t i = 0; i < inner; ++i)
      largest = std::max(largest, std::abs(row[i]));
    // In f32, as TPU-MLIR divides: its multipliers come out equal only so.
    double scale = std::max(largest / top, kSmallestWeightScale);
    if (bias)
      scale = std::max(scale, std::abs(static_cast<double>(bias->as<float>()[o])) /
                                  (inputScale * kLargestBias));
    for (int64_t i = 0; i < inner; ++i) {
      int64_t v = numerics::roundToInt(row[i] / scale, numerics::Rounding::HalfAway);
      if (isUnsigned)
        q.filter.as<uint8_t>()[o * inner + i] = numerics::saturate<uint8_t>(v);
      else
        q.filter.as<int8_t>()[o * inner + i] = numerics::saturate<int8_t>(v);
    }
    if (bias)
      q.bias.as<int32_t>()[o] = numerics::saturate<int32_t>(numerics::roundToInt(
          bias->as<float>()[o] / (scale * inputScale), numerics::Rounding::HalfAway));
    auto factor = numerics::chooseMultiplier32(scale * inputScale / outputScale);
    q.multiplier.push_back(factor.multiplier);
    q.rshift.push_back(factor.rshift);
  }
  return q;
}

} // namespace

std::optional<Tensor> roundedTo(Lowering &l, mlir::Operation *op, const char *what,
                                const Tensor &values, DType type) {
  const Tensor rounded = values.converted(type).converted(DType::F32);
  auto before = values.as<float>(), after = rounded.as<float>();
  for (size_t i = 0; i < before.size(); ++i)
    if (std::isfinite(before[i]) && !std::isfinite(after[i])) {
      l.refuse(op,
               std::string("has a ") + what + " value of " + std::to_string(before[i]) +
                   ", beyond " + dtypeName(type),
               "use BF16 or F32");
      return std::nullopt;
    }
  return rounded;
}

std::optional<LoweredFilter> lowerFilter(Lowering &l, mlir::Operation *op, mlir::Value input,
                                         mlir::Value filterOperand, mlir::Value biasOperand,
                                         bool relu) {
  if (!l.isWeight(filterOperand) || (biasOperand && !l.isWeight(biasOperand))) {
    l.refuse(op, "has a filter or bias that is computed in the network",
             "only constant filters are supported");
    return std::nullopt;
  }
  return lowerFilter(l, op, input, l.weight(filterOperand),
                     biasOperand ? &l.weight(biasOperand) : nullptr, relu);
}

std::optional<LoweredFilter> lowerFilter(Lowering &l, mlir::Operation *op, mlir::Value input,
                                         const Tensor &filter, const Tensor *bias, bool relu) {
  std::string name = ir::nameOf(op);
  LoweredFilter lowered;
  lowered.type = l.typeFromTable(op);
  if (!l.integer()) {
    // The pooling unit's biases are of the type too; the cube's are F32.
    bool depthwise = llvm::isa<tpu::Conv2DOp, top::ConvOp>(op) && filter.dim(1) == 1 &&
                     isDepthwise(filter.dim(0), ir::shapeOf(input)[1], filter.dim(0));
    DType type = l.floating();
    auto f = roundedTo(l, op, "filter", filter, type);
    auto b = bias ? roundedTo(l, op, "bias", *bias, depthwise ? type : DType::F32) : Tensor();
    if (!f || !b)
      return std::nullopt;
    lowered.filter = l.createWeight(op, name + "_filter_" + dtypeName(type), std::move(*f));
    if (bias)
      lowered.bias = l.createWeight(op, name + "_bias_f32", std::move(*b));
    return lowered;
  }
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(lowered.type.getElementType());
  if (!element)
    return std::nullopt; // the table's error is enough
  // ReLU is the unsigned result; a negative minimum behind a ReLU belongs to another model's table.
  if (relu && element.isSigned()) {
    l.refuse(op, "ends in ReLU but its table row has a negative minimum",
             "calibrate this very model again");
    return std::nullopt;
  }
  QuantizedFilter q = quantizeFilter(filter, bias, ir::scaleOf(input), element.getScale());
  const char *suffix = q.filter.dtype() == DType::U8 ? "_filter_u8" : "_filter_i8";
  lowered.filter = l.createWeight(op, name + suffix, q.filter);
  if (bias)
    lowered.bias = l.createWeight(op, name + "_bias_int32", q.bias);
  lowered.multiplier = std::move(q.multiplier);
  lowered.rshift = std::move(q.rshift);
  return lowered;
}

} // namespace tessera::quantize
