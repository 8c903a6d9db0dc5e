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
};

/// The whole rule of sRQ eu 1 for one value ("BM1684X measured numerics", section 3); `v` fits 33
/// bits (a dequantize subtracts a zero point first).
inline int64_t requantizeOne(int64_t v, const Requantize &r) {
  v *= r.multiplier;
  v = r.shift < 0 ? numerics::shiftRight(v, std::min(-int(r.shift), 63), r.mode)
                  : int64_t(uint64_t(v) << (r.shift & 63));
  v += r.zeroPoint;
  return v < r.range.lo ? r.range.lo : v > r.range.hi ? r.range.hi : v;
}

/// int32 to 8 bits, the requantize of every convolution.
void requantizeInt32(uint8_t *out, const int32_t *in, int64_t count, const Requantize &r);

} // namespace tessera::sim::kernels
