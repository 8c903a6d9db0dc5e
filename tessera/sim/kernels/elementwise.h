#pragma once
// Host loops of element-wise instructions that are worth one of their own.
#include "tessera/numerics/requantize.h"
#include "tessera/sim/element.h"

namespace tessera::sim::kernels {

struct Requantize {
  int32_t multiplier;
  int8_t shift; ///< positive = left
  int64_t zeroPoint;
  numerics::Rounding mode;
  IntRange range;

  /// A right shift to the nearest, ties up or away: what vector loops do.
  bool isPlain() const {
    return (mode == numerics::Rounding::HalfUp || mode == numerics::Rounding::HalfAway) &&
           shift < 0 && shift > -63;
  }
};

/// The whole rule of sRQ eu 1 for one value ("BM1684X measured numerics", section 3); `v` fits 33
/// bits (a dequantize subtracts a zero point first).
inline int64_t requantizeOne(int64_t v, const Requantize &r) {
  v *= r.multiplier;
  v = r.shift < 0 ? numerics::shiftRight(v, std::min(-int(r.shift), 63), r.mode)
                  : int64_t(uint64_t(v) << (r.shift & 63));
  // A left shift may end at the limits of 64 bits; the zero point must not wrap it.
  constexpr int64_t kRoom = int64_t(1) << 62;
  v = (v < -kRoom ? -kRoom : v > kRoom ? kRoom : v) + r.zeroPoint;
  return v < r.range.lo ? r.range.lo : v > r.range.hi ? r.range.hi : v;
}

// The loops below are compiled for several instruction sets and chosen with the convolution kernel
// (convKernel), by the same switch; results are the same in every bit.

/// int32 to 8 bits, the requantize of every convolution.
void requantizeInt32(uint8_t *out, const int32_t *in, int64_t count, const Requantize &r);
/// out = saturating a + b, the bias of every convolution; out may be a.
void addSaturateInt32(int32_t *out, const int32_t *a, int32_t b, int64_t count);
/// out += factor * in[i * step]; sums do not overflow.
void accumulate(int32_t *out, const int16_t *in, int64_t step, int32_t factor, int64_t count);
/// out = max(out, in[i * step]).
void maximum(int32_t *out, const int16_t *in, int64_t step, int64_t count);
/// 8-bit values of int32 sums, clamped.
void clampToBytes(uint8_t *out, const int32_t *in, int64_t count, int32_t lo, int32_t hi);
/// 8-bit values as int16.
void widen(int16_t *out, const uint8_t *in, int64_t count, bool isSigned);
/// sat(rsh(a * factor)) by a right shift, half up, of 8-bit values into 8 or 16 bits
/// (`out` as bytes): the rescaling of every element-wise layer. 1 <= shift <= 31, |factor| < 2^15.
void scaleBytes(uint8_t *out, const uint8_t *in, int64_t count, bool isSigned, int32_t factor,
                int shift, IntRange range, int64_t outBits);

} // namespace tessera::sim::kernels
