#pragma once
// Integer requantization: what the chip computes (sRQ eu 1), and how multiplier and shift are
// chosen.
#include "tessera/numerics/rounding.h"

#include <cstdint>

namespace tessera::numerics {

/// multiplier and right shift of one channel: real factor = multiplier / 2^rshift.
struct MultiplierShift {
  int32_t multiplier = 0;
  int32_t rshift = 0; ///< positive = right; -32..31
  bool operator==(const MultiplierShift &) const = default;
};

/// The value of sRQ eu 1 before saturation: (src * multiplier) >> rshift rounded, + zeroPoint.
/// `rshift` -63..63, negative shifts left with 64-bit wrap (measured numerics, section 3).
int64_t requantizeValue(int32_t src, int32_t multiplier, int rshift, int zeroPoint, Rounding mode);

/// The whole rule with saturation to T (int8_t, uint8_t, int16_t, uint16_t).
template <class T>
T requantize(int32_t src, int32_t multiplier, int rshift, int zeroPoint, Rounding mode) {
  return saturate<T>(requantizeValue(src, multiplier, rshift, zeroPoint, mode));
}

/// The compiler's choice for a convolution's requantize ("instruction streams" 4.5): s rounded to
/// fp32, n tried from -32 to 30, m = round(s * 2^n) kept when the fp32 error of m / 2^n is strictly
/// smaller than the best so far and |m| < 2^31 - 1. `scale` must be finite.
MultiplierShift chooseMultiplier32(double scale);

/// The same for the 8-bit multipliers of tpu.MulShift, Add and Mul ("instruction streams" 4.7):
/// n from 0 to 30, |m| strictly below 127.
MultiplierShift chooseMultiplier8(double scale);

} // namespace tessera::numerics
