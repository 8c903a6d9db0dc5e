#include "tessera/numerics/float.h"
#include "tessera/numerics/half.h"
#include "tessera/numerics/rounding.h"

#include <gtest/gtest.h>
#include <limits>

namespace tessera::numerics {
namespace {

TEST(Float, DenormalsAreZeroWithTheirSign) {
  EXPECT_EQ(std::bit_cast<uint32_t>(flush(-1e-40f)), 0x80000000u);
  EXPECT_EQ(flush(0x1p-126f), 0x1p-126f);
  EXPECT_EQ(addFlush(1e-40f, 0), 0);
  EXPECT_EQ(mulFlush(0x1p-70f, 0x1p-70f), 0);
}

TEST(Float, TinyIsDecidedAfterRoundingWithAnUnboundedExponent) {
  // 2^-126 * (1 - 2^-24) has 24 significant bits: tiny, flushed, though a plain fp32 product ties
  // up.
  float a = 0x1p-63f, b = 0x1p-63f * (1 - 0x1p-24f);
  EXPECT_EQ(mulFlush(a, b), 0);
  // (1 + 2^-23) * (1 - 2^-23) = 1 - 2^-46 rounds up to one.
  EXPECT_EQ(mulFlush(0x1p-63f * (1 + 0x1p-23f), 0x1p-63f * (1 - 0x1p-23f)), 0x1p-126f);
}

TEST(Float, MaxAndMinWithNan) {
  float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(maxFlush(nan, 3), 3);
  EXPECT_TRUE(std::isnan(maxFlush(3, nan)));
  EXPECT_TRUE(std::isnan(minFlush(nan, 3)));
  EXPECT_EQ(minFlush(3, nan), 3);
}

TEST(Float, DivisionByZeroFollowsTheNewtonFormula) {
  EXPECT_TRUE(std::isinf(divide(1, 0, 3)));
  EXPECT_GT(divide(1, 0, 3), 0);
  EXPECT_LT(divide(-1, 0, 3), 0);
  EXPECT_NEAR(divide(7, -2, 3), -3.5, 1e-5);
}

TEST(Float, TheCubeTruncatesProductsBelowTheLargest) {
  // 1 and 2^-24 * 1.5: the small product keeps the bit at 2^-24 and loses the half below it.
  float x[3] = {1, 1, 1}, w[3] = {1, 0x1.8p-24f, 0x1.8p-24f};
  EXPECT_EQ(cubeSum(x, w, 3), 1 + 0x1p-23f);
  float negative[2] = {1, -0x1.8p-25f}; // below 2^-24: truncated toward zero, not floored
  EXPECT_EQ(cubeSum(x, negative, 2), 1);
  EXPECT_EQ(cubeSum(x, w, 0), 0);
}

TEST(Half, CastModes) {
  EXPECT_EQ(floatToHalf(65519.0f, Rounding::HalfEven), 0x7BFF);
  EXPECT_EQ(floatToHalf(65520.0f, Rounding::HalfEven), 0x7C00);
  EXPECT_EQ(floatToHalf(65535.0f, Rounding::TowardZero), 0x7BFF);
  EXPECT_EQ(floatToHalf(65536.0f, Rounding::TowardZero), 0x7C00);
  EXPECT_EQ(floatToHalf(-65535.0f, Rounding::Floor), 0xFC00);
  EXPECT_EQ(floatToHalf(1 + 0x1p-11f, Rounding::HalfAway), 0x3C01);
  EXPECT_EQ(floatToHalf(1 + 0x1p-11f, Rounding::HalfEven), 0x3C00);
  EXPECT_EQ(floatToBfloat(1 + 0x1p-8f, Rounding::HalfAway), 0x3F81);
  EXPECT_EQ(floatToBfloat(-(1 + 0x1p-8f), Rounding::Floor), 0xBF81);
  for (uint32_t h = 0; h < 0x7C00; ++h)
    EXPECT_EQ(floatToHalf(halfToFloat(uint16_t(h)), Rounding::Ceil), h);
}

TEST(Rounding, IntegersAsFloat) {
  EXPECT_EQ(intToFloat((1 << 24) + 1, Rounding::HalfEven), 16777216.0f);
  EXPECT_EQ(intToFloat((1 << 24) + 1, Rounding::HalfAway), 16777218.0f);
  EXPECT_EQ(intToFloat(-(1 << 24) - 1, Rounding::Ceil), -16777216.0f);
  EXPECT_EQ(intToFloat(0xFFFFFFFF, Rounding::TowardZero), 4294967040.0f);
  EXPECT_EQ(intToFloat(INT32_MIN, Rounding::HalfEven), -2147483648.0f);
}

} // namespace
} // namespace tessera::numerics
