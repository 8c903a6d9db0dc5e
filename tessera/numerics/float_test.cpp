#include "tessera/numerics/bfloat.h"
#include "tessera/numerics/exponent.h"
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

TEST(Float, TinySumsAndDenormalOperandsAreZero) {
  EXPECT_EQ(addFlush(0x1.8p-126f, -0x1p-126f), 0);
  EXPECT_EQ(subFlush(0x1.8p-126f, 0x1p-126f), 0);
  EXPECT_EQ(mulFlush(1e-40f, 0x1p100f), 0);
  EXPECT_EQ(mulFlush(0x1p100f, 1e-40f), 0);
}

uint32_t bitsOf(float v) { return std::bit_cast<uint32_t>(v); }
float ofBits(uint32_t v) { return std::bit_cast<float>(v); }

TEST(Float, OfTwoNanTheFirstStaysAndBecomesQuiet) {
  EXPECT_EQ(bitsOf(nanOf(ofBits(0x7F800001), ofBits(0xFFC00002))), 0x7FC00001u);
  EXPECT_EQ(bitsOf(nanOf(1, ofBits(0xFF800003))), 0xFFC00003u);
  EXPECT_EQ(bitsOf(nanOf(1, 2)), 0xFFC00000u);
  EXPECT_EQ(bitsOf(addNan(ofBits(0x7F800000), ofBits(0xFF800000))), 0xFFC00000u);
  EXPECT_EQ(bitsOf(mulNan(2, ofBits(0x7FA00000))), 0x7FE00000u);
  // Of a division the divisor's, without its sign.
  EXPECT_EQ(bitsOf(divide(ofBits(0x7FC00001), ofBits(0xFFC00002), 1)), 0x7FC00002u);
  EXPECT_EQ(bitsOf(divide(ofBits(0x7FC00001), -1, 1)), 0xFFC00001u);
}

TEST(Float, TheRootOfANegativeNumberIsInfinite) {
  EXPECT_EQ(rsqrt(-1, 1), std::numeric_limits<float>::infinity());
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

TEST(Float, TheCubeKnowsNoDenormalsAndNoLargerProducts) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  float small[2] = {0x1p-63f, 0x1p-63f}, smaller[2] = {0x1p-64f, 0x1p-64f};
  EXPECT_EQ(cubeSum(small, smaller, 2), 0); // each product is tiny, their sum is not
  float cancel[2] = {0x1.8p-63f, -0x1p-63f};
  EXPECT_EQ(cubeSum(small, cancel, 2), 0); // the products are not tiny, their sum is
  float large[2] = {0x1p64f, 0x1p64f}, larger[2] = {0x1p64f, -0x1p63f};
  EXPECT_EQ(cubeSum(large, larger, 2), kInfinity); // though the sum would fit
  float infinite[3] = {kInfinity, kInfinity, std::nanf("")}, signs[3] = {1, -1, 1};
  EXPECT_EQ(bitsOf(cubeSum(infinite, signs, 2)), 0xFFC00000u);
  EXPECT_EQ(cubeSum(infinite + 1, signs + 1, 2), -kInfinity); // one infinity wins over NaN
  EXPECT_EQ(bitsOf(cubeSum(infinite + 2, signs + 2, 1)), 0xFFC00000u);
}

TEST(Half, LimitsAndNan) {
  EXPECT_EQ(floatToHalf(65504.0f), 0x7BFF);
  EXPECT_EQ(floatToHalf(65519.0f), 0x7BFF);
  EXPECT_EQ(floatToHalf(-65520.0f), 0xFC00);
  EXPECT_EQ(floatToHalf(0x1p-25f), 0); // a tie with the smallest denormal
  EXPECT_EQ(floatToHalf(0x1.8p-25f), 1);
  EXPECT_EQ(bitsOf(halfToFloat(0x7C01)), 0x7FFFFFFFu);
  EXPECT_EQ(bitsOf(halfToFloat(0xFE00)), 0xFFFFFFFFu);
}

TEST(Half, Integers) {
  EXPECT_EQ(intToHalf(2049, Rounding::HalfEven), 0x6800);
  EXPECT_EQ(intToHalf(2049, Rounding::HalfAway), 0x6801);
  EXPECT_EQ(intToHalf(65535, Rounding::HalfEven), 0x7C00);
  EXPECT_EQ(intToHalf(65536, Rounding::TowardZero), 0x7BFF);
  EXPECT_EQ(intToHalf(65536, Rounding::Floor), 0x7BFF);
  EXPECT_EQ(intToHalf(65536, Rounding::Ceil), 0x7C00);
  EXPECT_EQ(intToHalf(-65536, Rounding::Ceil), 0xFBFF);
  EXPECT_EQ(intToHalf(-65536, Rounding::Floor), 0xFC00);
  EXPECT_EQ(intToHalf(-65536, Rounding::HalfUp), 0xFC00);
  EXPECT_EQ(intToBfloat(257, Rounding::HalfEven), 0x4380);
  EXPECT_EQ(intToBfloat(257, Rounding::HalfAway), 0x4381);
}

TEST(Bfloat, ResultsRoundBeforeTheyAreFlushed) {
  EXPECT_EQ(resultToBfloat(1 + 0x1p-8f), 0x3F80);
  EXPECT_EQ(resultToBfloat(1 + 0x1.8p-7f), 0x3F82);
  EXPECT_EQ(resultToBfloat(ofBits(0x007FC000)), 0x0080);
  EXPECT_EQ(resultToBfloat(ofBits(0x807FBFFF)), 0x8000);
  EXPECT_EQ(floatToBfloat(ofBits(0x007FFFFF)), 0); // a cast does not
}

TEST(Exponent, CountsToTheNextPowerFromAThirdOn) {
  EXPECT_EQ(nearestExponent(0x3F800000 | 0x2AAAAB, kFp32Exponent), 127u);
  EXPECT_EQ(nearestExponent(0x3F800000 | 0x2AAAAC, kFp32Exponent), 128u);
  EXPECT_EQ(nearestExponent(0xBF800000 | 0x7FFFFF, kFp32Exponent), 127u);
  EXPECT_EQ(nearestExponent(0x3C00 | 341, kFp16Exponent), 15u);
  EXPECT_EQ(nearestExponent(0x3C00 | 342, kFp16Exponent), 16u);
  EXPECT_EQ(nearestExponent(0x3F80 | 44, kBf16Exponent), 128u);
  EXPECT_EQ(nearestPower(0xBF800000 | 0x7FFFFF, kFp32Exponent), 0xBF800000u);
  EXPECT_EQ(nearestPower(0x3FC00000, kFp32Exponent), 0x40000000u);
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

TEST(Rounding, WholeNumbersKeepTheSign) {
  EXPECT_EQ(bitsOf(roundToWhole(-0.25f, Rounding::HalfEven)), 0x80000000u);
  EXPECT_EQ(bitsOf(roundToWhole(-0.75f, Rounding::Ceil)), 0x80000000u);
  EXPECT_EQ(roundToWhole(-0.25f, Rounding::Floor), -1);
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
