// Whole nets: interpreter == simulator in every element, at full and at artificially small local
// memory.
#include "networks.h"
#include "reference.h"

#include <gtest/gtest.h>

namespace tessera::conformance {
namespace {

void expectEqual(const schedule::Network &net, const schedule::Options &options = {}) {
  auto outcome = check(net, randomInputs(net, 7), options);
  ASSERT_TRUE(outcome) << outcome.error().text();
  EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
}

TEST(Nets, UnetWidth8) { expectEqual(unet(8, 80, 120, 1)); }
TEST(Nets, UnetWithPads) { expectEqual(unet(8, 43, 61, 2)); }
TEST(Nets, UnetWider) { expectEqual(unet(72, 16, 24, 3)); }
TEST(Nets, UnetInSmallLocalMemory) { expectEqual(unet(8, 50, 70, 4), {.localBytes = 16 << 10}); }
TEST(Nets, UnetWithoutOverlap) { expectEqual(unet(8, 32, 48, 5), {.overlap = false}); }
TEST(Nets, ComposedUnet) { expectEqual(unet(8, 80, 120, 8, true)); }
TEST(Nets, ComposedUnetWithPads) { expectEqual(unet(8, 43, 61, 9, true)); }
TEST(Nets, ComposedUnetWider) { expectEqual(unet(72, 33, 24, 10, true)); }
TEST(Nets, ComposedUnetInSmallLocalMemory) {
  expectEqual(unet(8, 50, 71, 11, true), {.localBytes = 16 << 10});
}
TEST(Nets, ComposedUnetWithoutOverlap) {
  expectEqual(unet(8, 33, 48, 12, true), {.overlap = false});
}
TEST(Nets, Residual) { expectEqual(residual(8, 64, 64, 6)); }
TEST(Nets, ResidualInSmallLocalMemory) {
  expectEqual(residual(16, 64, 96, 7), {.localBytes = 12 << 10});
}

TEST(Nets, Any) {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    constexpr int64_t kBytes[] = {chip::kLaneBytes, 48 << 10, 24 << 10};
    expectEqual(anyNetwork(4 + int(seed % 20), seed),
                {.localBytes = kBytes[seed % 3], .overlap = seed % 7 > 0});
  }
}

TEST(Nets, AnyFloats) {
  constexpr DType kTypes[] = {DType::F16, DType::BF16, DType::F32};
  for (uint32_t seed = 1; seed <= 27; ++seed) {
    SCOPED_TRACE(seed);
    constexpr int64_t kBytes[] = {chip::kLaneBytes, 64 << 10, 32 << 10};
    expectEqual(anyNetwork(4 + int(seed % 20), seed, {kTypes[seed / 3 % 3]}),
                {.localBytes = kBytes[seed % 3], .overlap = seed % 7 > 0});
  }
}

TEST(Nets, AnyMixed) {
  for (uint32_t seed = 1; seed <= 27; ++seed) {
    SCOPED_TRACE(seed);
    constexpr int64_t kBytes[] = {chip::kLaneBytes, 64 << 10, 32 << 10};
    expectEqual(
        anyNetwork(4 + int(seed % 20), seed, {DType::I8, DType::F16, DType::I8, DType::F32}),
        {.localBytes = kBytes[seed % 3], .overlap = seed % 7 > 0});
  }
}

} // namespace
} // namespace tessera::conformance
