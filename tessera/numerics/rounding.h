#pragma once
// Rounding and saturation: the one normative home. Source of every rule: reference pages "BM1684X
// measured numerics" (sections 1 and 3) and "instruction streams" 4.1; pinned by
// numerics_golden.csv.
#include <cstdint>
#include <limits>
#include <type_traits>

namespace tessera::numerics {

/// The chip's rounding codes, in its own numbering.
enum class Rounding : uint8_t {
  HalfEven = 0,
  HalfAway = 1,
  TowardZero = 2,
  Floor = 3,
  Ceil = 4,
  HalfUp = 5,
  HalfDown = 6,
};

/// What the chip makes of a rounding field: its low three bits, of which 7 acts as floor.
constexpr Rounding roundingOf(uint64_t field) {
  return (field & 7) == 7 ? Rounding::Floor : static_cast<Rounding>(field & 7);
}

/// v / 2^shift rounded by `mode`. shift in 0..63 (0 returns v); callers clamp larger amounts to 63.
/// T is a signed integer of 64 bits or more.
template <class T = int64_t>
constexpr T shiftRight(std::type_identity_t<T> v, int shift, Rounding mode) {
  if (shift <= 0)
    return v;
  T q = v >> shift;
  // The remainder is in [0, 2^shift), always non-negative since >> floors.
  uint64_t r = static_cast<uint64_t>(v) & ((uint64_t{1} << shift) - 1);
  uint64_t half = uint64_t{1} << (shift - 1);
  switch (mode) {
  case Rounding::HalfEven:
    return q + (r > half || (r == half && (q & 1)));
  case Rounding::HalfAway:
    return q + (v >= 0 ? r >= half : r > half);
  case Rounding::TowardZero:
    return q + (v < 0 && r != 0);
  case Rounding::Floor:
    return q;
  case Rounding::Ceil:
    return q + (r != 0);
  case Rounding::HalfUp:
    return q + (r >= half);
  case Rounding::HalfDown:
    return q + (r > half);
  }
  return q;
}

/// Clamps v to the range of T.
template <class T> constexpr T saturate(int64_t v) {
  constexpr int64_t lo = std::numeric_limits<T>::min(), hi = std::numeric_limits<T>::max();
  return static_cast<T>(v < lo ? lo : v > hi ? hi : v);
}

/// Rounds a float to an integer by `mode` (codes 0..4 as the chip's casts; HalfUp, HalfDown for
/// completeness). Infinities saturate at the int64 limits, NaN gives 0.
int64_t roundToInt(double v, Rounding mode);

/// A float rounded to a whole number of the same sign, as a cast between equal float types does.
float roundToWhole(float v, Rounding mode);

/// An integer as fp32, rounded by `mode` (codes 0..4) where it does not fit 24 bits.
float intToFloat(int64_t v, Rounding mode);

} // namespace tessera::numerics
