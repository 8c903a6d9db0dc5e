#include "tessera/numerics/rounding.h"

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

} // namespace tessera::numerics
