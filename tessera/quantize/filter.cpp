// Weights of convolutions: per-channel symmetric scales, integer bias, requantize factors.
// Formulas: reference page "instruction streams" 4.5.
#include "tessera/quantize/lowering.h"

#include <algorithm>
#include <cmath>

namespace tessera::quantize {
namespace {

// Below this a filter is as good as zero, and the division by its scale would only amplify noise.
constexpr float kSmallestWeightScale = 1e-5f;
// |bias + accumulator| must stay inside int32: half of its range is left to the accumulator.
constexpr double kLargestBias = 1073741824.0; // 2^30

} // namespace

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

} // namespace tessera::quantize
