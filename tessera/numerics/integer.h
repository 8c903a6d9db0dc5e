#pragma once
// Integer arithmetic of element-wise instructions, one value at a time (docs/numerics.md, "AR").
// Values are exact until the last step narrows them.
#include "tessera/numerics/rounding.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace tessera::numerics {

/// Wide enough for every product of two 32-bit values shifted left by 31.
using Wide = __int128;

/// v * 2^(amount mod 32) for amount >= 0 (wrapping in T), else v / 2^min(-amount, 63) rounded by
/// `mode`: the shift operand of AR. T is int64_t or Wide.
template <class T> constexpr T shiftBy(T v, int amount, Rounding mode) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, unsigned __int128>;
  return amount >= 0 ? T(Bits(v) << (amount & 31)) : shiftRight<T>(v, std::min(-amount, 63), mode);
}

/// The `bits` low bits of v rotated left by amount (right where negative), amount mod 32 with its
/// sign. An amount above `bits` leaves nothing, as the shifts of the two parts are taken mod 32.
constexpr uint32_t rotate(uint32_t v, int amount, int bits) {
  bool right = amount < 0;
  unsigned s = unsigned(right ? -amount : amount) & 31, rest = unsigned(bits - int(s)) & 31;
  if (s == 0)
    return v;
  uint32_t mask = bits == 32 ? ~uint32_t{0} : (uint32_t{1} << bits) - 1;
  return ((right ? v >> s : v << s) | (right ? v << rest : v >> rest)) & mask;
}

/// Zeros above the highest one of the `bits` low bits of v; `bits` where there is none.
constexpr int firstOne(uint32_t v, int bits) {
  uint32_t mask = bits == 32 ? ~uint32_t{0} : (uint32_t{1} << bits) - 1;
  return std::countl_zero(v & mask) - (32 - bits);
}
/// Ones above the highest zero.
constexpr int firstZero(uint32_t v, int bits) { return firstOne(~v, bits); }

/// a * b doubled, its high half of `bits` bits rounded by `mode`; saturation is the caller's.
constexpr Wide doublingHighMultiply(int64_t a, int64_t b, int bits, Rounding mode) {
  return shiftRight<Wide>(Wide(a) * b, bits - 1, mode);
}

/// One step of AR's multiply-accumulate: old * 2^(left mod 64) + product in 64 bits that wrap, read
/// as signed or not, then shifted right and rounded; narrowing is the caller's.
constexpr Wide accumulate(int64_t old, int64_t product, int left, int right, Rounding mode,
                          bool isSigned) {
  uint64_t sum = (uint64_t(old) << (left & 63)) + uint64_t(product);
  return shiftRight<Wide>(isSigned ? Wide(int64_t(sum)) : Wide(sum), std::min(right, 63), mode);
}

} // namespace tessera::numerics
