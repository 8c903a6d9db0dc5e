#pragma once
// bf16 as element-wise arithmetic rounds it (docs/numerics.md, "AR").
#include <bit>
#include <cstdint>

namespace tessera::numerics {

/// A result rounded half to even to 8 bits with an unbounded exponent; what then is below the
/// smallest normal number becomes a zero of its sign. So from 2^-126 * (1 - 2^-9) on it stays. A
/// cast flushes before it rounds instead (floatToBfloat). `v` is no NaN.
inline uint16_t resultToBfloat(float v) {
  uint32_t bits = std::bit_cast<uint32_t>(v), magnitude = bits & 0x7FFFFFFFu;
  auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  if (magnitude < 0x00800000u)
    return magnitude < 0x007FC000u ? sign : sign | 0x0080;
  return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1)) >> 16);
}

} // namespace tessera::numerics
