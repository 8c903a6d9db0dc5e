#include "tessera/numerics/half.h"

#include <algorithm>
#include <bit>

namespace tessera::numerics {

float bfloatToFloat(uint16_t b) { return std::bit_cast<float>(static_cast<uint32_t>(b) << 16); }

float halfToFloat(uint16_t h) {
  uint32_t sign = (h & 0x8000u) << 16, exponent = (h >> 10) & 31, mantissa = h & 1023;
  if (exponent == 31) // infinity or NaN
    return std::bit_cast<float>(sign | 0x7F800000u | (mantissa ? 0x7FFFFFu : 0));
  if (exponent == 0) { // zero or denormal: mantissa * 2^-24, exact in fp32
    float v = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -v : v;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

uint16_t floatToHalf(float v) {
  uint32_t bits = std::bit_cast<uint32_t>(v);
  uint16_t sign = (bits >> 16) & 0x8000;
  uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000)
    return sign | 0x7FFF;
  if (magnitude >= 0x477FF000) // 65520 rounds to infinity
    return sign | 0x7C00;
  int exponent = static_cast<int>(magnitude >> 23) - 127;
  if (exponent < -25)
    return sign;
  // Drop 13 bits from a normal result, more where the result is denormal.
  uint32_t mantissa = (magnitude & 0x7FFFFF) | 0x800000;
  int drop = exponent < -14 ? 13 + (-14 - exponent) : 13;
  uint32_t q = static_cast<uint32_t>(shiftRight(mantissa, drop, Rounding::HalfEven));
  // A carry out of the mantissa moves into the exponent by itself.
  uint32_t result = exponent < -14 ? q : q + (static_cast<uint32_t>(exponent + 14) << 10);
  return sign | static_cast<uint16_t>(result);
}

uint16_t floatToBfloat(float v) {
  uint32_t bits = std::bit_cast<uint32_t>(v);
  uint16_t sign = (bits >> 16) & 0x8000;
  uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000)
    return sign | 0x7FFF;
  if (magnitude < 0x00800000)
    return sign;
  return sign | static_cast<uint16_t>(shiftRight(magnitude, 16, Rounding::HalfEven));
}

/// Ties of these go up or down in magnitude, whatever the sign.
static bool ofMagnitude(Rounding mode) {
  return mode == Rounding::HalfUp || mode == Rounding::HalfDown;
}

uint16_t floatToHalf(float v, Rounding mode) {
  uint32_t bits = std::bit_cast<uint32_t>(v);
  uint16_t sign = (bits >> 16) & 0x8000;
  uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000)
    return sign | 0x7FFF;
  if (magnitude >= 0x47800000) // 65536
    return sign | 0x7C00;
  if (magnitude < 0x00800000) // fp32 denormals count as zero
    return sign;
  int exponent = static_cast<int>(magnitude >> 23) - 127;
  int64_t mantissa = (magnitude & 0x7FFFFF) | 0x800000;
  int drop = exponent < -14 ? std::min(13 + (-14 - exponent), 40) : 13;
  int64_t q = shiftRight(sign && !ofMagnitude(mode) ? -mantissa : mantissa, drop, mode);
  uint32_t rounded = static_cast<uint32_t>(q < 0 ? -q : q);
  uint32_t result =
      exponent < -14 ? rounded : rounded + (static_cast<uint32_t>(exponent + 14) << 10);
  return sign | static_cast<uint16_t>(result);
}

uint16_t floatToBfloat(float v, Rounding mode) {
  uint32_t bits = std::bit_cast<uint32_t>(v);
  uint16_t sign = (bits >> 16) & 0x8000;
  int64_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000)
    return sign | 0x7FFF;
  if (magnitude < 0x00800000)
    return sign;
  int64_t q = shiftRight(sign && !ofMagnitude(mode) ? -magnitude : magnitude, 16, mode);
  return sign | static_cast<uint16_t>(q < 0 ? -q : q);
}

namespace {

/// |v| as a float's bits without the sign: `fraction` mantissa bits, exponent bias `bias`.
uint32_t roundInt(int64_t v, int fraction, int bias, Rounding mode) {
  uint64_t magnitude = v < 0 ? 0 - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
  if (magnitude == 0)
    return 0;
  int exponent = static_cast<int>(std::bit_width(magnitude)) - 1, drop = exponent - fraction;
  int64_t q = drop > 0 ? shiftRight(v, drop, mode) : v * (int64_t{1} << -drop);
  // A carry out of the mantissa moves into the exponent by itself.
  return static_cast<uint32_t>((q < 0 ? -q : q) + (int64_t{exponent + bias - 1} << fraction));
}

} // namespace

uint16_t intToHalf(int64_t v, Rounding mode) {
  uint16_t sign = v < 0 ? 0x8000 : 0;
  if (v < 65536 && v > -65536)
    return sign | static_cast<uint16_t>(roundInt(v, 10, 15, mode));
  bool towardZero =
      mode == Rounding::TowardZero || mode == (v < 0 ? Rounding::Ceil : Rounding::Floor);
  return sign | (towardZero ? 0x7BFF : 0x7C00);
}

uint16_t intToBfloat(int64_t v, Rounding mode) {
  return (v < 0 ? 0x8000 : 0) | static_cast<uint16_t>(roundInt(v, 7, 127, mode));
}

} // namespace tessera::numerics
