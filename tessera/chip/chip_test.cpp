#include "tessera/chip/chip.h"
#include <gtest/gtest.h>

namespace tessera::chip {
namespace {

TEST(Geometry, AgreesWithItself) {
  EXPECT_EQ(kLmemBytes, 16 << 20);
  EXPECT_EQ(kLmemEnd, 0x09000000u);
  EXPECT_EQ(kLaneBytes, int64_t(1) << kLaneShift);
  EXPECT_EQ(kBankBytes, 16384);
  EXPECT_EQ(kGlobalEnd - kGlobalBase, uint64_t(8) << 30);
}

TEST(Geometry, TypesHaveTheirWidths) {
  EXPECT_EQ(euCount(bytesOf(Type::Int8)), 64);
  EXPECT_EQ(euCount(bytesOf(Type::Bf16)), 32);
  EXPECT_EQ(euCount(bytesOf(Type::Int32)), 16);
  EXPECT_EQ(cubeInputs(Type::Int8), 64);
  EXPECT_EQ(cubeInputs(Type::Fp16), 32);
  EXPECT_EQ(cubeInputs(Type::Bf16), 32);
  EXPECT_EQ(cubeInputs(Type::Fp32), 1);
  EXPECT_EQ(cubeInputs(Type::Int4), 128);
  EXPECT_EQ(bitsOf(7), 0);
  EXPECT_FALSE(isFloat(Type::Int16));
  EXPECT_TRUE(isFloat(Type::Fp16));
}

TEST(Address, SplitsIntoLaneOffsetAndBank) {
  uint64_t a = localAddress(5, 0x8041);
  EXPECT_EQ(a, 0x148041u);
  EXPECT_EQ(laneOf(a), 5);
  EXPECT_EQ(offsetOf(a), 0x8041);
  EXPECT_EQ(bankOf(a), 2);
}

TEST(Layout, FollowsTheTable) {
  // bm1684x.md 2.1: 33 channels from lane 33 need two slots, 31 one.
  EXPECT_EQ(slots(33, 33), 2);
  EXPECT_EQ(slots(33, 31), 1);
  EXPECT_EQ(slots(0, 64), 1);
  EXPECT_EQ(slots(0, 65), 2);
  // bm1684x.md 2.2.
  EXPECT_EQ(alignedLayout(0, 2, 130, 7, 9, 1), (LocalLayout{192, 64, 9, 1}));
  EXPECT_EQ(alignedLayout(0, 2, 130, 7, 9, 4), (LocalLayout{192, 64, 9, 1}));
  EXPECT_EQ(alignedLayout(63, 2, 2, 5, 5, 2), (LocalLayout{64, 32, 5, 1}));
  EXPECT_EQ(compactLayout(0, 2, 130, 7, 9), (LocalLayout{189, 63, 9, 1}));
  EXPECT_EQ(rowAlignedLayout(0, 1, 64, 7, 9, 2), (LocalLayout{224, 224, 32, 1}));
  EXPECT_EQ(alignedLaneBytes(0, 2, 130, 7, 9, 4), 2 * 192 * 4);
}

TEST(Map, TellsTheSpaces) {
  EXPECT_EQ(spaceOf(0x07FFFFFF), Space::None);
  EXPECT_EQ(spaceOf(0x08000000), Space::Local);
  EXPECT_EQ(spaceOf(0x08FFFFFF), Space::Local);
  EXPECT_EQ(spaceOf(0x09000000), Space::Static);
  EXPECT_EQ(spaceOf(0x09010000), Space::None);
  EXPECT_EQ(spaceOf(0x10000000), Space::L2);
  EXPECT_EQ(spaceOf(0x10200000), Space::None);
  EXPECT_EQ(spaceOf(0xFFFFFFFF), Space::None);
  EXPECT_EQ(spaceOf(kGlobalBase), Space::Global);
  EXPECT_EQ(spaceOf(kGlobalEnd - 1), Space::Global);
  EXPECT_EQ(spaceOf(kGlobalEnd), Space::None);
}

} // namespace
} // namespace tessera::chip
