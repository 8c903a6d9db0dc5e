#include "tessera/numerics/requantize.h"

#include <gtest/gtest.h>

using namespace tessera::numerics;

TEST(Requantize, RoundsTiesByMode) {
  // -5 * 1 / 2 = -2.5 and 5 / 2 = 2.5
  EXPECT_EQ(requantize<int8_t>(-5, 1, 1, 0, Rounding::HalfUp), -2);
  EXPECT_EQ(requantize<int8_t>(-5, 1, 1, 0, Rounding::HalfAway), -3);
  EXPECT_EQ(requantize<int8_t>(5, 1, 1, 0, Rounding::HalfDown), 2);
  EXPECT_EQ(requantize<int8_t>(5, 1, 1, 0, Rounding::HalfEven), 2);
}

TEST(Requantize, SaturatesOnceAfterTheZeroPoint) {
  EXPECT_EQ(requantize<int8_t>(200, 1, 0, -100, Rounding::HalfUp), 100);
  EXPECT_EQ(requantize<uint8_t>(-7, 1, 0, 0, Rounding::HalfUp), 0);
}

TEST(Requantize, LeftShiftWrapsAt64Bits) {
  EXPECT_EQ(requantizeValue(1, 3, -2, 0, Rounding::HalfUp), 12);
  EXPECT_EQ(requantizeValue(1, 3, -40, 5, Rounding::HalfUp), (int64_t{3} << 40) + 5);
  EXPECT_EQ(requantizeValue(1 << 30, 1 << 30, -5, 0, Rounding::HalfUp), 0);
}

TEST(ChooseMultiplier, TakesTheSmallestShiftOfEqualErrors) {
  EXPECT_EQ(chooseMultiplier8(0.5), (MultiplierShift{1, 1}));
  EXPECT_EQ(chooseMultiplier32(0.5), (MultiplierShift{1, 1}));
}

// Pairs printed by the vendor's compiler for a width-8 UNet (MulShift at the skip connections).
TEST(ChooseMultiplier, EightBitMatchesKnownPairs) {
  EXPECT_EQ(chooseMultiplier8(0.073892787843137256 / 0.098888652755905512),
            (MultiplierShift{3, 2}));
  EXPECT_EQ(chooseMultiplier8(0.041117530980392156 / 0.068787687401574801),
            (MultiplierShift{77, 7}));
  EXPECT_EQ(chooseMultiplier8(0.031480616078431368 / 0.062511590551181107),
            (MultiplierShift{1, 1}));
  EXPECT_EQ(chooseMultiplier8(0.054656366929133858 / 0.068823709448818909),
            (MultiplierShift{51, 6}));
}
