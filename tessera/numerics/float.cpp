#include "tessera/numerics/float.h"

#include <limits>

namespace tessera::numerics {

float rsqrt(float x, int steps) {
  // The shift is arithmetic: the guess for a negative number is positive.
  auto half = static_cast<uint32_t>(std::bit_cast<int32_t>(x) >> 1);
  float y = std::bit_cast<float>(0x5F3759DFu - half);
  float g = mulFlush(x, 0.5f);
  for (int i = 0; i < steps; ++i)
    y = mulFlush(y, subFlush(1.5f, mulFlush(mulFlush(g, y), y)));
  return y;
}

float divide(float a, float b, int steps) {
  // b's sign bit changes a's, that of a NaN too.
  a = std::bit_cast<float>(std::bit_cast<uint32_t>(a) ^ (std::bit_cast<uint32_t>(b) & 0x80000000u));
  if (a != a || b != b)
    return nanOf(std::abs(b), a);
  float y = rsqrt(std::abs(b), steps), product = mulFlush(a, mulFlush(y, y));
  return product == product ? product : nanOf(0, 0);
}

float cubeSum(const float *x, const float *w, int64_t count) {
  // Products of two fp16 or bf16 values are exact in double, and normal: their exponents are in the
  // bits.
  double products[32];
  int64_t top = 0; // largest biased exponent
  for (int64_t i = 0; i < count; ++i) {
    double p = static_cast<double>(x[i]) * static_cast<double>(w[i]);
    // A product is an fp32: too small for a normal one it is zero, too large infinite.
    if (std::abs(p) < 0x1p-126)
      p = 0;
    else if (std::abs(p) >= 0x1p128)
      p = std::copysign(std::numeric_limits<double>::infinity(), p);
    products[i] = p;
    int64_t exponent = std::bit_cast<int64_t>(products[i]) >> 52 & 0x7FF;
    top = exponent > top ? exponent : top;
  }
  if (top == 0)
    return 0;
  if (top == 0x7FF) { // infinities of one sign win over NaN, those of both make one
    bool plus = false, minus = false;
    for (int64_t i = 0; i < count; ++i) {
      plus |= products[i] == std::numeric_limits<double>::infinity();
      minus |= products[i] == -std::numeric_limits<double>::infinity();
    }
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    return plus == minus ? std::bit_cast<float>(0xFFC00000u) : plus ? kInfinity : -kInfinity;
  }
  // Scaled by 2^(24-E), a product is below 2^25: conversion to int32 truncates toward zero, and 32
  // of them sum exactly.
  double scale = std::bit_cast<double>((1023 + 24 - (top - 1023)) << 52);
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += static_cast<int32_t>(products[i] * scale);
  return flush(static_cast<float>(static_cast<double>(sum) / scale));
}

} // namespace tessera::numerics
