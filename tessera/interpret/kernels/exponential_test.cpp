#include "tessera/interpret/kernels/exponential.h"

#include "tessera/interpret/kernels/sigmoid.h"
#include "tessera/interpret/kernels/softmax.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace tessera::interpret {
namespace {

TEST(Exponential, SigmoidIsCloseToTheRealOne) {
  Tensor x(DType::F32, {2001});
  for (int i = 0; i < 2001; ++i)
    x.as<float>()[size_t(i)] = float(i - 1000) / 10; // -100 to 100, beyond where the power is cut
  Tensor y = chipSigmoid(x);
  for (int i = 0; i < 2001; ++i) {
    double exact = 1 / (1 + std::exp(-double(x.as<float>()[size_t(i)])));
    // The power's exponent x * log2(e) is rounded to 24 bits: an error of |x| * 2^-24, and as much
    // of the constant.
    double bound = 1e-6 + std::abs(x.as<float>()[size_t(i)]) * 0x1p-23;
    EXPECT_NEAR(y.as<float>()[size_t(i)], exact, bound * exact + 1e-36) << x.as<float>()[size_t(i)];
  }
  EXPECT_TRUE(
      std::isnan(chipSigmoid(Tensor::of<float>({1}, std::array{std::nanf("")})).as<float>()[0]));
}

TEST(Exponential, SoftmaxIsCloseToTheRealOneOnAnyAxis) {
  std::mt19937 random(5);
  Tensor x(DType::F32, {2, 50, 3, 4});
  for (float &v : x.as<float>())
    v = float(int(random() % 2001) - 1000) / 50;
  for (int64_t axis : {1, 2, 3}) {
    Tensor got = chipSoftmax(x, axis), want = softmax(x, axis);
    for (size_t i = 0; i < size_t(x.count()); ++i)
      EXPECT_NEAR(got.as<float>()[i], want.as<float>()[i], 2e-6) << axis << " " << i;
  }
}

} // namespace
} // namespace tessera::interpret
