#pragma once
// 2-D convolution: what top.Conv and tpu.Conv2D mean. Inputs NCHW, filters [oc, ic/group, kh, kw].
#include "tessera/numerics/rounding.h"
#include "tessera/tensor/tensor.h"
#include "tessera/tensor/window.h"

#include <span>

namespace tessera::interpret {

/// Which code computes float convolutions. Both give the same result for any number of threads;
/// Fast differs in the last bits between kinds of CPU (oneDNN picks kernels by CPU), Plain does
/// not.
enum class FloatPath : uint8_t { Fast, Plain };

/// The integer tail of a convolution: result = sat(rsh((acc + bias) * multiplier, rshift)).
struct Requantization {
  std::span<const int32_t> multiplier; ///< one per output channel, or a single one for all
  std::span<const int32_t> rshift;     ///< as multiplier; positive = right
  DType out = DType::I8;               ///< I8 or U8; U8 is what fuses a ReLU
  numerics::Rounding mode = numerics::Rounding::HalfUp;
};

/// Float convolution, f32 [n,ic,h,w] x [oc,ic/group,kh,kw] (+ bias [oc], may be null) -> f32
/// [n,oc,oh,ow]. `padValue` holds what padding cells contain, one per input channel (empty =
/// zeros).
Tensor conv2d(const Tensor &x, const Tensor &w, const Tensor *bias, const Window2d &window,
              int64_t group = 1, bool relu = false, std::span<const double> padValue = {},
              FloatPath path = FloatPath::Fast);

/// Integer convolution to accumulators: x I8|U8, w I8|U8 -> I32, wrapping modulo 2^32 ("measured
/// numerics" 4.1), without bias. `padValue`: integers in padding cells, one per input channel
/// (empty = 0).
Tensor conv2dAccumulate(const Tensor &x, const Tensor &w, const Window2d &window, int64_t group = 1,
                        std::span<const int32_t> padValue = {});

/// acc I32 [n,c,h,w] -> saturating + bias I32 [c] (may be null; "instruction streams" 4.5) ->
/// requantize.
Tensor requantizeAccumulators(const Tensor &acc, const Tensor *bias, const Requantization &q);

/// The whole layer: conv2dAccumulate, then requantizeAccumulators.
Tensor conv2dInt(const Tensor &x, const Tensor &w, const Tensor *bias, const Window2d &window,
                 int64_t group, std::span<const int32_t> padValue, const Requantization &q);

} // namespace tessera::interpret
