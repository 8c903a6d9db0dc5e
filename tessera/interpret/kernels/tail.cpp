#include "tessera/interpret/kernels/tail.h"

#include "tessera/interpret/kernels/serial.h"
#include "tessera/numerics/requantize.h"

#include <algorithm>

namespace tessera::interpret {
namespace {

bool isSigned8(const Tensor &t) {
  TESSERA_CHECK(t.dtype() == DType::I8 || t.dtype() == DType::U8, "an 8-bit integer tensor");
  return t.dtype() == DType::I8;
}

const float *biasOf(const Tensor *bias, int64_t channels) {
  if (!bias)
    return nullptr;
  TESSERA_CHECK(bias->dtype() == DType::F32 && bias->count() == channels, "an f32 bias [oc]");
  return bias->as<float>().data();
}

/// Bias and requantization of one channel; the one place where an integer layer ends.
class Tail {
public:
  Tail(const Tensor *bias, const Requantization &q, int64_t channels) : q_(q) {
    auto perChannel = [&](std::span<const int32_t> v) {
      TESSERA_CHECK(v.size() == 1 || int64_t(v.size()) == channels,
                    "one multiplier and shift per output channel, or one for all");
    };
    perChannel(q.multiplier);
    perChannel(q.rshift);
    TESSERA_CHECK(q.out == DType::I8 || q.out == DType::U8, "requantization to 8 bits");
    if (bias) {
      TESSERA_CHECK(bias->dtype() == DType::I32 && bias->count() == channels, "an i32 bias [oc]");
      bias_ = bias->as<int32_t>().data();
    }
  }

  uint8_t operator()(uint32_t sum, int64_t channel) const {
    // The chip adds the bias as a saturating int32 addition ("instruction streams" 4.5).
    int32_t acc =
        bias_ ? numerics::saturate<int32_t>(int64_t(int32_t(sum)) + bias_[channel]) : int32_t(sum);
    int32_t m = q_.multiplier.size() == 1 ? q_.multiplier[0] : q_.multiplier[channel];
    int32_t r = q_.rshift.size() == 1 ? q_.rshift[0] : q_.rshift[channel];
    if (q_.out == DType::I8)
      return uint8_t(numerics::requantize<int8_t>(acc, m, r, 0, q_.mode));
    return numerics::requantize<uint8_t>(acc, m, r, 0, q_.mode);
  }

private:
  const Requantization &q_;
  const int32_t *bias_ = nullptr;
};

Shape outputShape(const SlidingShape &s) { return {s.n, s.oc, s.rows.out, s.cols.out}; }

} // namespace

Tensor slidingFloat(const SlidingShape &s, const Tensor &x, const Tensor &w, const Tensor *bias,
                    bool relu, FloatPath path) {
  TESSERA_CHECK(x.dtype() == DType::F32 && w.dtype() == DType::F32, "float tensors");
  Tensor y(DType::F32, outputShape(s));
  const float *b = biasOf(bias, s.oc);
  float *out = y.as<float>().data();
  const float *xs = x.as<float>().data(), *ws = w.as<float>().data();
  if (path == FloatPath::Fast && slidingSumsFast(s, xs, ws, b, relu, out))
    return y;
  slidingSumsFloat(s, xs, ws, {},
                   [&](int64_t n, int64_t c, int64_t row, int64_t x0, int64_t step, int64_t count,
                       const float *sums) {
                     float *to = out + ((n * s.oc + c) * s.rows.out + row) * s.cols.out + x0;
                     for (int64_t i = 0; i < count; ++i) {
                       float v = b ? sums[i] + b[c] : sums[i];
                       to[i * step] = relu && v < 0 ? 0 : v;
                     }
                   });
  return y;
}

Tensor slidingAccumulate(const SlidingShape &s, const Tensor &x, const Tensor &w,
                         std::span<const int32_t> padValue) {
  Tensor y(DType::I32, outputShape(s));
  uint32_t *out = y.as<uint32_t>().data();
  slidingSumsInt(s, x.bytes().data(), isSigned8(x), w.bytes().data(), isSigned8(w),
                 {padValue.begin(), padValue.end()},
                 [&](int64_t n, int64_t c, int64_t row, int64_t x0, int64_t step, int64_t count,
                     const uint32_t *sums) {
                   uint32_t *to = out + ((n * s.oc + c) * s.rows.out + row) * s.cols.out + x0;
                   for (int64_t i = 0; i < count; ++i)
                     to[i * step] = sums[i];
                 });
  return y;
}

Tensor slidingInt(const SlidingShape &s, const Tensor &x, const Tensor &w, const Tensor *bias,
                  std::span<const int32_t> padValue, const Requantization &q) {
  Tensor y(q.out, outputShape(s));
  uint8_t *out = y.bytes().data();
  Tail tail(bias, q, s.oc);
  slidingSumsInt(s, x.bytes().data(), isSigned8(x), w.bytes().data(), isSigned8(w),
                 {padValue.begin(), padValue.end()},
                 [&](int64_t n, int64_t c, int64_t row, int64_t x0, int64_t step, int64_t count,
                     const uint32_t *sums) {
                   uint8_t *to = out + ((n * s.oc + c) * s.rows.out + row) * s.cols.out + x0;
                   for (int64_t i = 0; i < count; ++i)
                     to[i * step] = tail(sums[i], c);
                 });
  return y;
}

Tensor requantizeAccumulators(const Tensor &acc, const Tensor *bias, const Requantization &q) {
  TESSERA_CHECK(acc.dtype() == DType::I32 && acc.rank() == 4, "i32 accumulators [n, c, h, w]");
  Tensor y(q.out, acc.shape());
  int64_t channels = acc.dim(1), plane = acc.dim(2) * acc.dim(3);
  Tail tail(bias, q, channels);
  const uint32_t *from = acc.as<uint32_t>().data();
  uint8_t *out = y.bytes().data();
  forRange(acc.dim(0) * channels, 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p)
      for (int64_t i = 0; i < plane; ++i)
        out[p * plane + i] = tail(from[p * plane + i], p % channels);
  });
  return y;
}

SlidingShape slidingShape(const Tensor &x, const Tensor &w, const Window2d &window, int64_t group,
                          AxisTaps (*taps)(const Window2d &, int, int64_t)) {
  TESSERA_CHECK(x.rank() == 4 && w.rank() == 4, "a convolution of rank-4 tensors");
  TESSERA_CHECK(group > 0 && x.dim(1) == w.dim(1) * group && w.dim(0) % group == 0 &&
                    w.dim(2) == window.kernel[0] && w.dim(3) == window.kernel[1],
                "filter shape of a convolution");
  return {x.dim(0),
          x.dim(1),
          w.dim(0),
          group,
          w.dim(2),
          w.dim(3),
          taps(window, 0, x.dim(2)),
          taps(window, 1, x.dim(3))};
}

} // namespace tessera::interpret
