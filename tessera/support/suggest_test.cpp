#include "tessera/support/suggest.h"

#include <gtest/gtest.h>
#include <vector>

namespace tessera {
namespace {

TEST(Suggest, PicksTheNearestWithinAThird) {
  std::vector<std::string> names{"input", "output_Conv", "inputs"};
  EXPECT_EQ(closest("inptu", names), "input");
  EXPECT_EQ(closest("output_conv", names), "output_Conv");
  EXPECT_EQ(closest("mask", names), "");
  EXPECT_EQ(didYouMean("imput", names), "did you mean 'input'?");
  EXPECT_EQ(didYouMean("x", {}), "");
}

} // namespace
} // namespace tessera
