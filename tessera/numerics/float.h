#pragma once
// The chip's fp32 arithmetic: every operation rounds half to even; denormal inputs and results
// count as zeros of their sign. Source: "BM1684X measured numerics", sections 8.3, 9 and 10.
#include <bit>
#include <cmath>
#include <cstdint>

namespace tessera::numerics {

/// Denormals become zero with the sign kept; every other value is unchanged.
inline float flush(float v) {
  uint32_t bits = std::bit_cast<uint32_t>(v);
  return (bits & 0x7F800000u) ? v : std::bit_cast<float>(bits & 0x80000000u);
}

inline float addFlush(float a, float b) { return flush(flush(a) + flush(b)); }
inline float subFlush(float a, float b) { return flush(flush(a) - flush(b)); }
/// The limit of "tiny" is taken after rounding to 24 bits with an unbounded exponent: products from
/// 2^-126 * (1 - 2^-25) on round up to the smallest normal number and stay.
inline float mulFlush(float a, float b) {
  double exact = static_cast<double>(flush(a)) * static_cast<double>(flush(b));
  // Without a branch, so that loops over it become vectors.
  uint32_t keep = std::abs(exact) < 0x1p-126 * (1 - 0x1p-25) ? 0x80000000u : 0xFFFFFFFFu;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(static_cast<float>(exact)) & keep);
}

/// The NaN that an operation on a and b gives, of which one is a NaN or none: the first NaN operand
/// made quiet, else the default one.
inline float nanOf(float a, float b) {
  float source = a != a ? a : b;
  return std::bit_cast<float>(source != source ? std::bit_cast<uint32_t>(source) | 0x00400000u
                                               : 0xFFC00000u);
}

/// Sum and product that keep a NaN's payload, for code that goes value by value.
inline float addNan(float a, float b) {
  float v = addFlush(a, b);
  return v == v ? v : nanOf(a, b);
}
inline float mulNan(float a, float b) {
  float v = mulFlush(a, b);
  return v == v ? v : nanOf(a, b);
}

/// Reciprocal square root by `steps` Newton steps (sSFU eu 17, steps = opd2_n_str + 1).
float rsqrt(float x, int steps);
/// a / b as a * rsqrt(|b|)^2 with the sign of b (sAR eu 12). A NaN keeps its payload: |b|'s,
/// else a's with the sign changed as any other value's.
float divide(float a, float b, int steps);

/// The matrix cube's step for fp16 and bf16 ("measured numerics" 8.2): at most 32 products, each
/// zero or infinite where no normal fp32 holds it, truncated toward zero to 24 fraction bits below
/// the largest one's exponent, summed exactly, rounded to fp32. The order does not matter.
/// Infinities and NaN follow IEEE.
float cubeSum(const float *x, const float *w, int64_t count);

} // namespace tessera::numerics
