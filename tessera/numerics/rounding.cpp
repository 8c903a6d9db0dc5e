#include "tessera/numerics/rounding.h"

#include <bit>
#include <cmath>

namespace tessera::numerics {

int64_t roundToInt(double v, Rounding mode) {
  if (std::isnan(v))
    return 0;
  double f = std::floor(v), frac = v - f, r = f;
  switch (mode) {
  case Rounding::HalfEven:
    r = frac > 0.5 || (frac == 0.5 && std::fmod(f, 2.0) != 0.0) ? f + 1 : f;
    break;
  case Rounding::HalfAway:
    r = (v >= 0 ? frac >= 0.5 : frac > 0.5) ? f + 1 : f;
    break;
  case Rounding::TowardZero:
    r = std::trunc(v);
    break;
  case Rounding::Floor:
    break;
  case Rounding::Ceil:
    r = std::ceil(v);
    break;
  case Rounding::HalfUp:
    r = frac >= 0.5 ? f + 1 : f;
    break;
  case Rounding::HalfDown:
    r = frac > 0.5 ? f + 1 : f;
    break;
  }
  if (r >= 9223372036854775808.0)
    return std::numeric_limits<int64_t>::max();
  if (r < -9223372036854775808.0)
    return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(r);
}

float roundToWhole(float v, Rounding mode) {
  if (!(std::abs(v) < 0x1p23f)) // whole already, infinite or NaN
    return v;
  return std::copysign(static_cast<float>(roundToInt(v, mode)), v);
}

float intToFloat(int64_t v, Rounding mode) {
  uint64_t magnitude = v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
  int drop = std::bit_width(magnitude) - 24;
  if (drop <= 0)
    return static_cast<float>(v);
  // 24 or 25 significant bits remain (25 only as a power of two), which fp32 holds exactly.
  return std::ldexp(static_cast<float>(shiftRight(v, drop, mode)), drop);
}

} // namespace tessera::numerics
