// Every host vector against the rules, on operands that count as plain.
#include "tessera/numerics/conv_float.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace tessera::numerics {
namespace {

TEST(ConvFloat, PlainArithmeticEqualsTheRulesOnEveryVector) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::uniform_int_distribution<int> exponent(-20, 20);
  for (int round = 0; round < 30; ++round)
    for (bool chains : {false, true}) {
      int64_t channels = 1 + int64_t(random() % 70), taps = 1 + int64_t(random() % 9),
              count = 1 + int64_t(random() % 11);
      auto values = [&](int64_t n, Magnitudes &sizes) {
        std::vector<float> v(static_cast<size_t>(n));
        for (float &x : v) { // halves' 11 bits, so that blocks' products are exact
          x = random() % 8 ? std::ldexp(normal(random), exponent(random)) : 0;
          x = std::bit_cast<float>(std::bit_cast<uint32_t>(x) & (chains ? ~0u : 0xFFFFE000u));
          sizes.add(std::bit_cast<uint32_t>(x));
        }
        return v;
      };
      Magnitudes cellSizes, weightSizes, startSizes;
      auto cells = values(count * taps * channels, cellSizes);
      auto weights = values(channels * taps * kFloatGroup, weightSizes);
      auto start = values(count * kFloatGroup, startSizes);
      ASSERT_TRUE(isPlain(cellSizes, weightSizes, chains));
      std::vector<int64_t> positions, offsets;
      for (int64_t p = 0; p < count; ++p)
        positions.push_back(p * taps * channels);
      for (int64_t t = 0; t < taps; ++t)
        offsets.push_back(t * channels);
      auto run = [&](bool plain, Vectors vectors) {
        std::vector<float> sums(start.size()), odd = start;
        if (!chains)
          std::swap(sums, odd);
        FloatConvTask t{cells.data(), positions.data(), count,       offsets.data(), taps,
                        channels,     weights.data(),   sums.data(), odd.data(),     false,
                        vectors};
        (chains ? convChains : convBlocks)(t, plain);
        return std::vector<uint32_t>(reinterpret_cast<uint32_t *>(sums.data()),
                                     reinterpret_cast<uint32_t *>(sums.data()) + sums.size());
      };
      auto rules = run(false, Vectors::Portable);
      for (Vectors v : {Vectors::Portable, Vectors::Avx2, Vectors::Avx512})
        if (v <= widestVectors()) {
          EXPECT_EQ(run(true, v), rules)
              << "vectors " << int(v) << (chains ? " chains" : " blocks");
        }
    }
}

} // namespace
} // namespace tessera::numerics
