// Element-wise and moving kernels on small tensors whose results are worked out by hand.
#include "tessera/interpret/kernels/add.h"
#include "tessera/interpret/kernels/arg.h"
#include "tessera/interpret/kernels/arith.h"
#include "tessera/interpret/kernels/batch_norm.h"
#include "tessera/interpret/kernels/cast.h"
#include "tessera/interpret/kernels/clip.h"
#include "tessera/interpret/kernels/compare.h"
#include "tessera/interpret/kernels/concat.h"
#include "tessera/interpret/kernels/gather.h"
#include "tessera/interpret/kernels/interp.h"
#include "tessera/interpret/kernels/leaky_relu.h"
#include "tessera/interpret/kernels/mul_shift.h"
#include "tessera/interpret/kernels/pad.h"
#include "tessera/interpret/kernels/permute.h"
#include "tessera/interpret/kernels/pool2d.h"
#include "tessera/interpret/kernels/relu.h"
#include "tessera/interpret/kernels/reshape.h"
#include "tessera/interpret/kernels/scale.h"
#include "tessera/interpret/kernels/sigmoid.h"
#include "tessera/interpret/kernels/slice.h"
#include "tessera/interpret/kernels/softmax.h"
#include "tessera/interpret/kernels/where.h"

#include <cmath>
#include <gmock/gmock.h>

namespace tessera::interpret {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::FloatEq;

Tensor f32(Shape shape, std::vector<float> v) { return Tensor::of<float>(shape, v); }
Tensor i8(Shape shape, std::vector<int8_t> v) { return Tensor::of<int8_t>(shape, v); }
Tensor u8(Shape shape, std::vector<uint8_t> v) { return Tensor::of<uint8_t>(shape, v); }
template <class T> std::vector<T> values(const Tensor &t) {
  return {t.as<T>().begin(), t.as<T>().end()};
}
Tensor iota(Shape shape) {
  Tensor t(DType::F32, shape);
  for (int64_t i = 0; i < t.count(); ++i)
    t.as<float>()[i] = float(i);
  return t;
}
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

TEST(Cast, ToQuantRoundsHalfAwayAndSaturates) {
  Tensor x = f32({8}, {0.25f, -0.25f, 0.75f, -0.75f, 63.5f, -64.f, -kInf, kNan});
  EXPECT_THAT(values<int8_t>(castToQuant(x, 0.5, DType::I8)),
              ElementsAre(1, -1, 2, -2, 127, -128, -128, 0));
  EXPECT_THAT(values<uint8_t>(castToQuant(x, 0.5, DType::U8)),
              ElementsAre(1, 0, 2, 0, 127, 0, 0, 0));
  // The factor is fl32(1 / scale): 0.0039216 * 254.997... as the vendor's first cast has it.
  float inverse = float(1.0 / 3.9216e-3);
  EXPECT_EQ(values<uint8_t>(castToQuant(f32({1}, {0.5f}), 3.9216e-3, DType::U8))[0],
            uint8_t(std::round(0.5f * inverse)));
}
TEST(Cast, FromQuantMultipliesInF32) {
  EXPECT_THAT(values<float>(castFromQuant(i8({3}, {-128, 0, 127}), 0.1)),
              ElementsAre(-128 * 0.1f, 0.f, 127 * 0.1f));
  EXPECT_THAT(values<float>(castFromQuant(u8({2}, {255, 128}), 0.1)),
              ElementsAre(255 * 0.1f, 128 * 0.1f));
}
TEST(Cast, BetweenOnnxTypes) {
  Tensor x = f32({4}, {-1.75f, 2.5f, 300.f, 0.f});
  EXPECT_THAT(values<float>(castFloat(x, "i32")), ElementsAre(-1, 2, 300, 0));
  EXPECT_THAT(values<float>(castFloat(x, "u8")), ElementsAre(255, 2, 44, 0));
  EXPECT_THAT(values<float>(castFloat(x, "bool")), ElementsAre(1, 1, 1, 0));
  EXPECT_THAT(values<float>(castFloat(f32({1}, {1.0009765f}), "bf16")), ElementsAre(1.f));
  EXPECT_TRUE(isCastTarget("bool"));
  EXPECT_FALSE(isCastTarget("string"));
}

TEST(Add, RoundsEachSideThenSaturatesOnce) {
  // 3 * 1 >> 1 = 1.5 -> 2; -3 * 1 >> 1 = -1.5 -> -1 (half up); sums saturate at the result type.
  Tensor a = i8({4}, {3, -3, 127, -128}), b = u8({4}, {0, 0, 255, 255});
  EXPECT_THAT(values<int8_t>(addInt(a, {1, 1}, b, {1, 0}, DType::I8)),
              ElementsAre(2, -1, 127, 127));
  EXPECT_THAT(values<uint8_t>(addInt(a, {1, 1}, b, {1, 0}, DType::U8)),
              ElementsAre(2, 0, 255, 191));
  // 255 * 126 stays inside int16; two of them do not, and the sum is exact before its own
  // saturation.
  EXPECT_THAT(
      values<int8_t>(addInt(u8({1}, {255}), {126, 0}, i8({1}, {-128}), {126, 0}, DType::I8)),
      ElementsAre(127));
}
TEST(MulShift, HalfUp) {
  EXPECT_THAT(values<int8_t>(mulShift(i8({4}, {1, -1, 3, -128}), 1, 1, DType::I8)),
              ElementsAre(1, 0, 2, -64));
  EXPECT_THAT(values<int8_t>(mulShift(u8({2}, {255, 100}), 64, 6, DType::I8)),
              ElementsAre(127, 100));
  EXPECT_THAT(values<uint8_t>(mulShift(i8({2}, {-5, 100}), 126, 6, DType::U8)),
              ElementsAre(0, 197));
}
TEST(LeakyRelu, OnlyNegativesAreScaled) {
  EXPECT_THAT(values<int8_t>(leakyReluInt(i8({4}, {-128, -5, 0, 99}), 13, 7)),
              ElementsAre(-13, -1, 0, 99));
  // -8 * 8 / 128 = -0.5 rounds up to 0.
  EXPECT_THAT(values<int8_t>(leakyReluInt(i8({1}, {-8}), 8, 7)), ElementsAre(0));
  EXPECT_THAT(values<float>(leakyRelu(f32({2}, {-2, 2}), 0.25)), ElementsAre(-0.5f, 2.f));
}
TEST(Relu, Types) {
  EXPECT_THAT(values<float>(relu(f32({3}, {-1, 0, 2}))), ElementsAre(0, 0, 2));
  EXPECT_TRUE(std::isnan(values<float>(relu(f32({1}, {kNan})))[0]));
  EXPECT_THAT(values<int8_t>(relu(i8({3}, {-1, 0, 2}))), ElementsAre(0, 0, 2));
  EXPECT_THAT(values<uint8_t>(reluInt(i8({2}, {-1, 127}), DType::U8)), ElementsAre(0, 127));
  EXPECT_THAT(values<int8_t>(reluInt(u8({1}, {200}), DType::I8)), ElementsAre(127));
}
TEST(Clip, Bounds) {
  EXPECT_THAT(values<float>(clip(f32({3}, {-1, 3, 9}), 0, 6)), ElementsAre(0, 3, 6));
}

TEST(Compare, Modes) {
  Tensor a = f32({1, 3}, {1, 2, 3}), b = f32({2, 1}, {2, kNan});
  EXPECT_THAT(values<float>(compare(CompareMode::Greater, a, b)), ElementsAre(0, 0, 1, 0, 0, 0));
  EXPECT_THAT(values<float>(compare(CompareMode::LessOrEqual, a, b)),
              ElementsAre(1, 1, 0, 0, 0, 0));
  EXPECT_THAT(values<uint8_t>(compareWith(CompareMode::Greater, i8({3}, {-1, 0, 1}), 0)),
              ElementsAre(0, 0, 1));
  EXPECT_THAT(values<uint8_t>(compareWith(CompareMode::Less, u8({2}, {200, 100}), 128)),
              ElementsAre(0, 1));
}
TEST(Where, Broadcasts) {
  EXPECT_THAT(values<float>(where(f32({2, 1}, {1, 0}), f32({1, 2}, {5, 6}), f32({}, {9}))),
              ElementsAre(5, 6, 9, 9));
}
TEST(Arith, BroadcastsOverChannels) {
  Tensor x = iota({1, 2, 1, 2}), c = f32({1, 2, 1, 1}, {10, 20});
  EXPECT_THAT(values<float>(arith(Arith::Add, x, c)), ElementsAre(10, 11, 22, 23));
  EXPECT_THAT(values<float>(arith(Arith::Sub, x, c, true)), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(values<float>(arith(Arith::Mul, c, x)), ElementsAre(0, 10, 40, 60));
  EXPECT_THAT(values<float>(arith(Arith::Div, x, f32({}, {2}))), ElementsAre(0, 0.5, 1, 1.5));
  EXPECT_EQ(broadcastShape({3, 1}, {2, 1, 4}), (Shape{2, 3, 4}));
}
TEST(Scale, AndBatchNorm) {
  Tensor x = iota({1, 2, 1, 2});
  EXPECT_THAT(values<float>(scale(x, f32({2}, {2, 3}), f32({2}, {-1, 1}), true)),
              ElementsAre(0, 1, 7, 10));
  Tensor y =
      batchNorm(x, f32({2}, {0, 2}), f32({2}, {3, 0}), f32({2}, {4, 1}), f32({2}, {1, 0}), 1.0);
  EXPECT_THAT(values<float>(y), ElementsAre(1, 3, 0, 1));
}
TEST(SoftmaxSigmoid, Values) {
  auto v = values<float>(softmax(f32({1, 2, 1, 1}, {1000, 1000}), 1));
  EXPECT_THAT(v, ElementsAre(0.5f, 0.5f));
  EXPECT_NEAR(values<float>(softmax(f32({3}, {0, 1, 2}), 0))[2], 0.66524096, 1e-6);
  EXPECT_NEAR(values<float>(sigmoid(f32({1}, {2})))[0], 0.880797078, 1e-6);
  EXPECT_EQ(values<float>(sigmoid(f32({1}, {-200})))[0], 0.f);
}
TEST(Arg, TiesAndAxes) {
  Tensor x = f32({1, 3, 1, 2}, {1, 5, 1, 7, 0, 7});
  EXPECT_THAT(values<float>(arg(x, 1)), ElementsAre(0, 1));
  EXPECT_THAT(values<float>(arg(x, 1, true, false, true)), ElementsAre(1, 2));
  EXPECT_THAT(values<float>(arg(x, 1, false, true)), ElementsAre(2, 0));
  EXPECT_EQ(arg(x, 1, false).shape(), (Shape{1, 1, 2}));
  EXPECT_THAT(values<uint8_t>(arg(i8({1, 2, 1, 3}, {-1, 2, 3, 0, 2, -3}), 1)),
              ElementsAre(1, 0, 0));
}

TEST(Pool, MaxNeverPicksPadding) {
  Window2d k{{2, 2}, {2, 2}, {1, 1}, {1, 1, 0, 0}, {}};
  EXPECT_THAT(values<int8_t>(maxPool(i8({1, 1, 2, 2}, {-5, -6, -7, -8}), k)), ElementsAre(-5));
  EXPECT_THAT(values<float>(maxPool(f32({1, 1, 2, 2}, {-5, -6, -7, -8}), k, true)),
              ElementsAre(-5, -6, -7, -8));
  Window2d plain{{2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}, {}};
  EXPECT_THAT(values<uint8_t>(maxPool(u8({1, 1, 2, 4}, {1, 2, 3, 200, 5, 6, 7, 8}), plain)),
              ElementsAre(6, 200));
  EXPECT_TRUE(std::isnan(values<float>(maxPool(f32({1, 1, 2, 2}, {1, kNan, 2, 3}), plain))[0]));
  EXPECT_THAT(values<float>(maxPool(f32({1, 1, 2, 2}, {-5, -6, -7, -8}), plain, false, true)),
              ElementsAre(0));
}
TEST(Pool, AverageCountsWhatItIsToldTo) {
  Window2d k{{2, 2}, {1, 1}, {1, 1}, {1, 1, 0, 0}, {}};
  Tensor x = f32({1, 1, 2, 2}, {4, 8, 12, 16});
  EXPECT_THAT(values<float>(avgPool(x, k)), ElementsAre(4, 6, 8, 10));
  EXPECT_THAT(values<float>(avgPool(x, k, true)), ElementsAre(1, 3, 4, 10));
  // ceil_mode: the window that hangs over the end averages the cells it has.
  Window2d ceil{{2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}, {}};
  EXPECT_THAT(values<float>(avgPool(iota({1, 1, 3, 3}), ceil, true, true)),
              ElementsAre(2, 3.5, 6.5, 8));
  EXPECT_EQ(avgPool(iota({1, 1, 3, 3}), ceil).shape(), (Shape{1, 1, 1, 1}));
  // The last window may not start in the padding behind the input.
  EXPECT_EQ(
      maxPool(iota({1, 1, 4, 4}), Window2d{{1, 1}, {3, 3}, {1, 1}, {0, 0, 2, 2}, {}}, true).shape(),
      (Shape{1, 1, 2, 2}));
}

TEST(Moving, ConcatPadSliceGatherPermuteReshape) {
  Tensor a = iota({1, 2, 1, 2}), b = f32({1, 1, 1, 2}, {8, 9});
  EXPECT_THAT(values<float>(concat(std::vector{a, b}, 1)), ElementsAre(0, 1, 2, 3, 8, 9));
  EXPECT_THAT(values<float>(concat(std::vector{a, a}, 3)), ElementsAre(0, 1, 0, 1, 2, 3, 2, 3));
  Tensor x = iota({2, 3});
  EXPECT_THAT(values<float>(pad(x, std::array<int64_t, 4>{1, 0, 0, 1}, 7)),
              ElementsAre(7, 7, 7, 7, 0, 1, 2, 7, 3, 4, 5, 7));
  EXPECT_THAT(values<float>(pad(x, std::array<int64_t, 4>{0, -1, 1, -1}, -2)),
              ElementsAre(1, 4, -2));
  EXPECT_THAT(values<float>(pad(x, std::array<int64_t, 4>{-3, 0, 2, 0}, 5)), ElementsAre(5, 5, 5));
  EXPECT_THAT(values<int8_t>(pad(i8({1}, {3}), std::array<int64_t, 2>{1, 1}, -128)),
              ElementsAre(-128, 3, -128));
  EXPECT_THAT(values<float>(slice(x, std::array<int64_t, 2>{1, 2}, std::array<int64_t, 2>{-1, -2},
                                  std::array<int64_t, 2>{2, 2})),
              ElementsAre(5, 3, 2, 0));
  EXPECT_THAT(values<float>(gather(x, std::array<int64_t, 3>{2, 0, 2}, 1)),
              ElementsAre(2, 0, 2, 5, 3, 5));
  EXPECT_EQ(gather(x, std::array<int64_t, 1>{1}, 0, false).shape(), (Shape{3}));
  EXPECT_THAT(values<float>(permute(x, std::array<int64_t, 2>{1, 0})),
              ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_EQ(permute(iota({2, 3, 4}), std::array<int64_t, 3>{2, 0, 1}).shape(), (Shape{4, 2, 3}));
  EXPECT_EQ(reshape(x, std::array<int64_t, 2>{3, 2}).shape(), (Shape{3, 2}));
}

TEST(Interp, NearestModes) {
  Interp how;
  how.outSize = {1, 4};
  how.scale = {1, 2};
  how.coordMode = CoordMode::Asymmetric;
  how.nearestMode = NearestMode::Floor;
  EXPECT_THAT(values<int8_t>(interp(i8({1, 1, 1, 2}, {3, -4}), how)), ElementsAre(3, 3, -4, -4));
  how.nearestMode = NearestMode::Ceil;
  EXPECT_THAT(values<float>(interp(f32({1, 2}, {3, -4}), how)), ElementsAre(3, -4, -4, -4));
  how.coordMode = CoordMode::HalfPixel;
  how.nearestMode = NearestMode::RoundPreferFloor;
  EXPECT_THAT(values<float>(interp(f32({1, 2}, {3, -4}), how)), ElementsAre(3, 3, -4, -4));
}
TEST(Interp, LinearHalfPixelAndAlignCorners) {
  Interp how;
  how.mode = InterpMode::Linear;
  how.outSize = {1, 4};
  how.scale = {1, 2};
  EXPECT_THAT(values<float>(interp(f32({1, 2}, {0, 4}), how)), ElementsAre(0, 1, 3, 4));
  how.outSize = {1, 3};
  how.scale = {1, 1.5};
  how.coordMode = CoordMode::AlignCorners;
  EXPECT_THAT(values<float>(interp(f32({1, 2}, {0, 4}), how)), ElementsAre(0, 2, 4));
}
TEST(Interp, CubicKeepsConstantsAndSamplesPoints) {
  Interp how;
  how.mode = InterpMode::Cubic;
  how.outSize = {4, 8};
  how.scale = {2, 2};
  for (bool exclude : {false, true}) {
    how.excludeOutside = exclude;
    for (float v : values<float>(interp(f32({2, 4}, std::vector<float>(8, 3.f)), how)))
      EXPECT_NEAR(v, 3.f, 1e-6);
  }
  // Keys' kernel at t = 1/2 with a = -0.75: -0.09375, 0.59375, 0.59375, -0.09375.
  how.outSize = {1, 2};
  how.scale = {1, 0.5};
  how.excludeOutside = false;
  EXPECT_THAT(values<float>(interp(f32({1, 4}, {0, 0, 32, 0}), how)), ElementsAre(-3.f, 19.f));
}

} // namespace
} // namespace tessera::interpret
