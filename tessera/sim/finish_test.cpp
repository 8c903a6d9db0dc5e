// What follows a convolution (kernels/conv.h, FinishTask), by every kernel of this host, against
// the rules for one value.
#include "tessera/sim/kernels/conv.h"
#include "tessera/sim/kernels/elementwise.h"

#include <gtest/gtest.h>
#include <random>

namespace tessera::sim {
namespace {

using kernels::Requantize;
using numerics::Rounding;

TEST(Finish, EveryKernelKeepsTheRuleOfOneValue) {
  std::mt19937_64 random(7);
  auto extremes = [&](int64_t i) -> int32_t {
    constexpr int32_t kList[] = {INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX - 1, INT32_MAX};
    return i % 3 ? int32_t(random()) >> random() % 32 : kList[random() % std::size(kList)];
  };
  for (int round = 0; round < 20000; ++round) {
    auto count = int64_t(1 + random() % 40);
    std::vector<int32_t> sums, total(size_t(count) + 1), wanted(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i)
      sums.push_back(extremes(i));
    bool isSigned = random() % 2;
    Requantize r{extremes(int64_t(random() % 3)),
                 int8_t(round % 4 ? -int(random() % 64) : int(random() % 64)),
                 isSigned ? int64_t(int16_t(random())) : int64_t(uint16_t(random())),
                 Rounding(random() % 7), rangeOf(8, isSigned)};
    if (round % 2)
      r.mode = round % 4 == 1 ? Rounding::HalfUp : Rounding::HalfAway;
    int32_t bias = extremes(int64_t(random() % 3));
    std::vector<uint8_t> out(size_t(count) + 1), wantedOut(static_cast<size_t>(count));
    for (size_t i = 0; i < size_t(count); ++i) {
      wanted[i] = int32_t(std::clamp<int64_t>(int64_t(sums[i]) + bias, INT32_MIN, INT32_MAX));
      wantedOut[i] = uint8_t(kernels::requantizeOne(wanted[i], r));
    }
    for (const kernels::ConvKernel &kernel : kernels::convKernels()) {
      total.back() = 77;
      out.back() = 99;
      kernel.finish({total.data(), round % 5 ? out.data() : nullptr, sums.data(), count, bias,
                     round % 5 ? &r : nullptr});
      ASSERT_TRUE(std::equal(wanted.begin(), wanted.end(), total.begin())) << kernel.name;
      if (round % 5) {
        ASSERT_TRUE(std::equal(wantedOut.begin(), wantedOut.end(), out.begin()))
            << kernel.name << " multiplier " << r.multiplier << " shift " << int(r.shift);
      }
      EXPECT_EQ(total.back(), 77) << kernel.name;
      EXPECT_EQ(out.back(), 99) << kernel.name;
    }
  }
}

} // namespace
} // namespace tessera::sim
