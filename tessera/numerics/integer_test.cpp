#include "tessera/numerics/integer.h"

#include <gtest/gtest.h>

namespace tessera::numerics {
namespace {

TEST(Integer, ShiftAmountsLeftCountModulo32AndRightOnesSaturate) {
  EXPECT_EQ(shiftBy<int64_t>(3, 33, Rounding::HalfUp), 6);
  EXPECT_EQ(shiftBy<int64_t>(-5, -1, Rounding::HalfUp), -2);
  EXPECT_EQ(shiftBy<int64_t>(int64_t{1} << 45, -40, Rounding::HalfUp), 32);
  EXPECT_EQ(shiftBy<int64_t>(-1, -128, Rounding::Floor), -1);
  EXPECT_EQ(shiftBy<int64_t>(int64_t{1} << 62, 2, Rounding::HalfUp), 0); // wraps
  EXPECT_EQ(shiftBy<Wide>(int64_t{1} << 62, 2, Rounding::HalfUp) >> 62, 4);
}

TEST(Integer, RotationByMoreThanTheWidthLeavesNothing) {
  EXPECT_EQ(rotate(0x81, 1, 8), 0x03u);
  EXPECT_EQ(rotate(0x81, -1, 8), 0xC0u);
  EXPECT_EQ(rotate(0x81, 9, 8), 0u);
  EXPECT_EQ(rotate(0x81, 32, 8), 0x81u);
  EXPECT_EQ(rotate(0x12345678, 36, 32), 0x23456781u);
}

TEST(Integer, BitsAreCountedFromTheTop) {
  EXPECT_EQ(firstOne(0x10, 8), 3);
  EXPECT_EQ(firstOne(0x100, 8), 8);
  EXPECT_EQ(firstZero(0xF0, 8), 4);
  EXPECT_EQ(firstZero(0xFFFF, 16), 16);
}

TEST(Integer, DoublingHighMultiplyKeepsTheHighHalf) {
  EXPECT_EQ(int64_t(doublingHighMultiply(1 << 14, 1 << 14, 16, Rounding::HalfUp)), 1 << 13);
  EXPECT_EQ(int64_t(doublingHighMultiply(-32768, -32768, 16, Rounding::HalfUp)), 32768);
  EXPECT_EQ(int64_t(doublingHighMultiply(-1, 64, 8, Rounding::HalfUp)), 0);
  EXPECT_EQ(int64_t(doublingHighMultiply(-1, 64, 8, Rounding::HalfAway)), -1);
}

TEST(Integer, AccumulateShiftsTheOldValueByUpTo63) {
  EXPECT_EQ(int64_t(accumulate(1, 5, 33, 0, Rounding::HalfUp, true)), (int64_t{1} << 33) + 5);
  EXPECT_EQ(int64_t(accumulate(1, 5, 65, 0, Rounding::HalfUp, true)), 7);
  EXPECT_EQ(int64_t(accumulate(0, 5, 0, 1, Rounding::HalfUp, true)), 3);
  EXPECT_EQ(int64_t(accumulate(0, int64_t{1} << 45, 0, 40, Rounding::HalfUp, true)), 32);
  EXPECT_EQ(int64_t(accumulate(0, -2, 0, 200, Rounding::Floor, true)), -1);
  EXPECT_EQ(int64_t(accumulate(-1, 0, 0, 1, Rounding::Floor, false)), INT64_MAX);
}

} // namespace
} // namespace tessera::numerics
