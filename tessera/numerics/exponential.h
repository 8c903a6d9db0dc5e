#pragma once
// The exponential function in steps that the chip has: 2^t by a whole and a broken part of t.
#include "tessera/numerics/float.h"

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace tessera::numerics {

inline constexpr float kLog2E = 1.44269504f;
/// Exponents beyond are cut: 1 + the power, and its reciprocal, stay normal.
inline constexpr float kHighestPower = 120, kLowestPower = -126;
inline constexpr float kRounder = 0x1.8p23f;
/// (ln 2)^i / i!: 2^f for |f| <= 0.5 to 6e-9.
inline constexpr float kPowerOfTwo[8] = {
    1.0f,           0.693147181f,   0.240226507f,    0.0555041087f,
    0.00961812911f, 0.00133335581f, 0.000154035304f, 1.52527338e-5f};
inline constexpr int kDivisionSteps = 4;

/// e^(x * factor / log2(e)), every step rounded as the chip does; NaN stays NaN.
inline float powerOf(float x, float factor) {
  float t = mulNan(x, factor);
  t = t >= kHighestPower ? kHighestPower : t;
  t = kLowestPower > t ? kLowestPower : t;
  float k = subFlush(addFlush(t, kRounder), kRounder), f = subFlush(t, k);
  float p = kPowerOfTwo[std::size(kPowerOfTwo) - 1];
  for (size_t i = std::size(kPowerOfTwo) - 1; i-- > 0;)
    p = addFlush(mulFlush(p, f), kPowerOfTwo[i]);
  if (t != t)
    return t;
  return mulFlush(p, std::bit_cast<float>(uint32_t(int32_t(k) + 127) << 23));
}

} // namespace tessera::numerics
