#pragma once
// The exponent of a float as the chip's special function takes it (sSFU eu 15; docs/numerics.md).
#include <cstdint>

namespace tessera::numerics {

/// Where a float type keeps its exponent, and the mantissa from which a positive value counts to
/// the next power of two (about a third; found bit by bit, docs/numerics.md).
struct ExponentField {
  int width, mantissaBits;
  uint32_t up;
};
inline constexpr ExponentField kFp32Exponent{8, 23, 0x2AAAAC}, kFp16Exponent{5, 10, 342},
    kBf16Exponent{8, 7, 44};
/// The exponent field of a value's bits, one more for a positive mantissa of `up` and above (sSFU
/// eu 15 with an integer result). Negative values keep theirs; infinities and NaN are no exception.
constexpr uint32_t nearestExponent(uint32_t bits, ExponentField f) {
  uint32_t exponent = bits >> f.mantissaBits & ((1u << f.width) - 1);
  bool negative = bits >> (f.mantissaBits + f.width) & 1;
  return exponent + (!negative && (bits & ((1u << f.mantissaBits) - 1)) >= f.up);
}
/// The power of two with that exponent, the sign kept (sSFU eu 15 with a float result).
constexpr uint32_t nearestPower(uint32_t bits, ExponentField f) {
  uint32_t sign = bits & 1u << (f.mantissaBits + f.width);
  return sign | (nearestExponent(bits, f) & ((1u << f.width) - 1)) << f.mantissaBits;
}

} // namespace tessera::numerics
