#include "tessera/sim/kernels/elementwise.h"

namespace tessera::sim::kernels {

void requantizeInt32(uint8_t *out, const int32_t *in, int64_t count, const Requantize &r) {
  if (r.mode == numerics::Rounding::HalfUp && r.shift < 0 && r.shift > -63) {
    // Half up is one addition: the product has at most 63 bits, so adding 2^(s-1) cannot overflow
    // for s <= 62.
    int64_t half = int64_t(1) << (-r.shift - 1), multiplier = r.multiplier;
    int shift = -r.shift;
    for (int64_t i = 0; i < count; ++i) {
      int64_t v = ((in[i] * multiplier + half) >> shift) + r.zeroPoint;
      out[i] = uint8_t(v < r.range.lo ? r.range.lo : v > r.range.hi ? r.range.hi : v);
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    out[i] = uint8_t(requantizeOne(in[i], r));
}

} // namespace tessera::sim::kernels
