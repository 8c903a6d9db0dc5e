#include "tessera/numerics/requantize.h"

#include <cmath>

namespace tessera::numerics {
namespace {

// Both searches share one criterion; only the range of n and the limit of |m| differ.
MultiplierShift search(double scale, int first, int last, double limit) {
  float s = static_cast<float>(scale);
  MultiplierShift best{};
  float bestError = std::numeric_limits<float>::infinity();
  for (int n = first; n <= last; ++n) {
    double m = std::round(std::ldexp(static_cast<double>(s), n));
    if (!(std::abs(m) < limit))
      continue;
    float error = std::abs(static_cast<float>(std::ldexp(m, -n)) - s);
    if (error < bestError) {
      bestError = error;
      best = {static_cast<int32_t>(m), n};
    }
  }
  return best;
}

} // namespace

int64_t requantizeValue(int32_t src, int32_t multiplier, int rshift, int zeroPoint, Rounding mode) {
  int64_t v = static_cast<int64_t>(src) * multiplier;
  if (rshift > 0)
    v = shiftRight(v, rshift > 63 ? 63 : rshift, mode);
  else if (rshift < 0)
    v = static_cast<int64_t>(static_cast<uint64_t>(v) << (-rshift & 63));
  return v + zeroPoint;
}

MultiplierShift chooseMultiplier32(double scale) { return search(scale, -32, 30, 2147483647.0); }

MultiplierShift chooseMultiplier8(double scale) { return search(scale, 0, 30, 127.0); }

} // namespace tessera::numerics
