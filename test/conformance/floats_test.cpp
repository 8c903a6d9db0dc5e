// Layers in F16, BF16 and F32, in the chip's order of sums: interpreter and simulator equal in
// every bit, in many slices too.
#include "networks.h"
#include "reference.h"
#include "tessera/interpret/kernels/interp.h"

#include <gtest/gtest.h>
#include <map>

namespace tessera::conformance {
namespace {

using namespace schedule;

class Floats : public testing::TestWithParam<DType> {
protected:
  static void expectEqual(Builder &b, int64_t localBytes) {
    Network net = b.take();
    auto outcome = check(net, randomInputs(net, 11), Options{.localBytes = localBytes});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
  }
  /// A network input in F32, cast to the type.
  static int32_t input(Builder &b, const Shape &shape) {
    int32_t x = b.input(shape);
    return GetParam() == DType::F32 ? x : b.cast(x, GetParam(), 0);
  }
  static void output(Builder &b, int32_t x) {
    b.output(GetParam() == DType::F32 ? x : b.cast(x, DType::F32, 0));
  }
  static Window2d window(Builder &b, bool transposed) {
    Window2d w;
    for (size_t a = 0; a < 2; ++a) {
      w.kernel[a] = b.between(1, 4);
      w.strides[a] = b.between(1, 3);
      w.dilations[a] = transposed ? 1 : b.between(1, 2);
      for (size_t side : {a, a + 2})
        w.pads[side] = b.between(0, w.kernel[a] - 1);
    }
    return w;
  }
};

TEST_P(Floats, Convolutions) {
  for (uint32_t seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("conv" + std::to_string(seed), seed);
    bool transposed = seed % 3 == 2;
    Window2d w = window(b, transposed);
    int64_t group = seed % 4 == 1 ? 2 : 1;
    int64_t ic = group * b.between(1, 40), oc = group * b.between(1, 70);
    int32_t x = input(b, {b.between(1, 2), ic, b.between(8, 14), b.between(8, 20)});
    bool bias = b.random()() % 4 != 0;
    output(b, transposed ? b.deconv(x, oc, w, GetParam(), bias, group)
                         : b.conv(x, oc, w, GetParam(), bias, group));
    expectEqual(b, seed % 2 ? chip::kLaneBytes : 24 << 10);
  }
}

TEST_P(Floats, PaddingOfAnyValue) {
  // 1.5, -0.25, 3 and 0.
  const std::map<DType, std::array<int32_t, 4>> bits{
      {DType::F16, {0x3E00, 0xB400, 0x4200, 0}},
      {DType::BF16, {0x3FC0, 0xBE80, 0x4040, 0}},
      {DType::F32, {0x3FC00000, int32_t(0xBE800000), 0x40400000, 0}}};
  for (uint32_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("pads" + std::to_string(seed), 150 + seed);
    int64_t ic = seed % 3 ? b.between(1, 8) : b.between(60, 80);
    std::vector<int32_t> values;
    for (int64_t i = 0; i < ic; ++i)
      values.push_back(bits.at(GetParam())[seed % 2 ? 1 : size_t(i % 4)]);
    int32_t x = input(b, {1, ic, 2 * b.between(4, 8), b.between(8, 20)});
    bool depthwise = seed >= 9;
    output(b, b.conv(x, depthwise ? ic : b.between(1, 20),
                     Window2d{.kernel = {3, 3}, .pads = {1, 1, 1, 1}}, GetParam(), true,
                     depthwise ? ic : 1, values));
    expectEqual(b, seed % 2 ? chip::kLaneBytes : 24 << 10);
  }
}

TEST_P(Floats, DepthwiseConvolutions) {
  for (uint32_t seed = 0; seed < 18; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("depthwise" + std::to_string(seed), 600 + seed);
    int64_t c = b.between(2, 150);
    int32_t x = input(b, {b.between(1, 2), c, b.between(8, 24), b.between(8, 30)});
    for (int64_t layers = b.between(1, 3); layers > 0; --layers) {
      Window2d w = window(b, false);
      if (b.tensor(x).shape[2] < 9 || b.tensor(x).shape[3] < 9)
        w = {.kernel = {3, 3}, .pads = {1, 1, 1, 1}};
      x = b.conv(x, c, w, GetParam(), b.random()() % 4 != 0, c);
      if (b.random()() % 2)
        x = b.conv(x, c = b.between(2, 90), Window2d{}, GetParam());
    }
    output(b, x);
    expectEqual(b, seed % 2 ? chip::kLaneBytes : 24 << 10);
  }
}

TEST_P(Floats, PoolsAddsAndMoves) {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("moves" + std::to_string(seed), 100 + seed);
    int64_t c = b.between(1, 90), h = b.between(6, 20), w = b.between(6, 30);
    int32_t x = input(b, {1, c, h, w}),
            y = b.conv(x, c, Window2d{.kernel = {3, 3}, .pads = {1, 1, 1, 1}}, GetParam());
    int32_t sum = b.add(x, y, {.relu = seed % 2 != 0}, GetParam());
    int32_t pooled = b.maxPool(b.concat({x, sum}),
                               Window2d{.kernel = {3, 2}, .strides = {2, 2}, .pads = {1, 0, 1, 0}},
                               false, seed % 3 == 0);
    int32_t relu = b.simple(b.pad(pooled, {0, 0, 1, 0, 0, 0, 0, 2}), "Relu", Relu{}, GetParam());
    output(b, relu);
    expectEqual(b, seed % 2 ? chip::kLaneBytes : 16 << 10);
  }
}

TEST_P(Floats, Arithmetic) {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("arithmetic" + std::to_string(seed), 900 + seed);
    Shape shape{b.between(1, 2), b.between(1, 90), b.between(1, 20), b.between(1, 30)};
    int32_t x = input(b, shape), y = input(b, shape);
    if (seed % 2)
      y = b.conv(y, shape[1], Window2d{.kernel = {3, 3}, .pads = {1, 1, 1, 1}}, GetParam());
    int32_t difference = b.pair("Sub", x, y, Sub{}), product = b.pair("Mul", difference, y, Mul{});
    output(b, b.simple(product, "Clip", Clip{seed % 3 ? -0.3 : 0.0, seed % 4 ? 0.7 : 1e300},
                       GetParam()));
    if (GetParam() == DType::F32)
      output(b, b.pair("Div", product, seed % 3 ? y : difference, Div{}));
    else
      output(b, b.where(difference, product, y));
    expectEqual(b, seed % 2 ? chip::kLaneBytes : 16 << 10);
  }
}

TEST(Floats32, ComparisonsOfTwo) {
  using enum codegen::Comparison;
  for (uint32_t seed = 0; seed < 9; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("pairs" + std::to_string(seed), 950 + seed);
    Shape shape{b.between(1, 2), b.between(1, 90), b.between(1, 20), b.between(1, 30)};
    // So that some are equal.
    auto steps = [&] { return b.cast(b.cast(b.input(shape), DType::I8, 0.25), DType::F32, 0); };
    int32_t x = steps(), y = steps();
    constexpr codegen::Comparison kHow[] = {Greater, GreaterOrEqual, Equal};
    int32_t holds = b.pair("Compare", x, y, ComparePair{kHow[seed % 3]});
    b.output(holds);
    b.output(b.where(holds, x, y));
    Network net = b.take();
    auto outcome = check(net, randomInputs(net, seed), {});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
  }
}

TEST_P(Floats, Averages) {
  for (uint32_t seed = 0; seed < 15; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("average" + std::to_string(seed), 700 + seed);
    Shape shape{b.between(1, 2), b.between(1, 90), b.between(8, 20), b.between(8, 30)};
    int32_t x = b.conv(input(b, shape), shape[1], Window2d{}, GetParam());
    Window2d w = window(b, false);
    if (seed % 5 == 0)
      w = {.kernel = {shape[2], shape[3]}}; // global
    output(b, b.simple(b.averagePool(x, w), "Relu", Relu{}, GetParam()));
    expectEqual(b, seed % 3 ? chip::kLaneBytes : 16 << 10);
  }
}

TEST_P(Floats, StepsUp) {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("upconv" + std::to_string(seed), 200 + seed);
    int64_t h = b.between(1, 7), w = b.between(1, 9);
    Shape small{b.between(1, 2), b.between(1, 70), h, w};
    Shape skip{small[0], b.between(1, 70), 2 * h + b.between(0, 1), 2 * w + b.between(0, 1)};
    int32_t x = input(b, small), s = input(b, skip);
    output(b, b.upConv(x, s, b.between(1, 100), GetParam(), seed % 4 != 0, seed % 4 != 1));
    expectEqual(b, seed % 2 ? chip::kLaneBytes : 24 << 10);
  }
}

TEST_P(Floats, ConcatsOfWholeStepsStayInGroups) {
  for (uint32_t seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("concat" + std::to_string(seed), 800 + seed);
    Window2d window{.kernel = {3, 3}, .pads = {1, 1, 1, 1}};
    int32_t x = b.conv(input(b, {1, 5, 20, 27}), 32, window, GetParam()),
            y = b.conv(x, seed % 2 ? 64 : 96, window, GetParam()),
            z = b.conv(y, b.between(1, 40), window, GetParam());
    output(b, b.conv(b.concat({x, y, z}), b.between(1, 70), window, GetParam(), seed % 3 > 0));
    Network net = b.take();
    auto outcome = check(net, randomInputs(net, 11), {});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
    bool inside = outcome->scheduleText.find("'t4_Concat' id 4: 0 slices") != std::string::npos ||
                  outcome->scheduleText.find("'t5_Concat' id 5: 0 slices") != std::string::npos;
    EXPECT_EQ(inside, GetParam() != DType::F32) << outcome->scheduleText;
  }
}

TEST_P(Floats, LeakyRelus) {
  for (uint32_t seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("leaky" + std::to_string(seed), 300 + seed);
    int32_t x = input(b, {1, b.between(1, 90), b.between(1, 20), b.between(1, 30)});
    output(b, b.simple(x, "LeakyRelu", LeakyRelu{.alpha = 0.01 * double(b.between(0, 100))},
                       GetParam()));
    expectEqual(b, seed % 2 ? chip::kLaneBytes : 16 << 10);
  }
}

TEST_P(Floats, UNet) {
  Builder b("unet", 7);
  auto twice = [&](int32_t x, int64_t oc) {
    for (int i = 0; i < 2; ++i)
      x = b.conv(x, oc, Window2d{.kernel = {3, 3}, .pads = {1, 1, 1, 1}}, GetParam());
    return x;
  };
  int32_t a = twice(input(b, {1, 3, 21, 30}), 8);
  int32_t d = twice(b.maxPool(a, Window2d{.kernel = {2, 2}, .strides = {2, 2}}), 16);
  int32_t up = b.pad(b.deconv(d, 8, Window2d{.kernel = {2, 2}, .strides = {2, 2}}, GetParam()),
                     {0, 0, 0, 0, 0, 0, 1, 0});
  output(b, b.conv(twice(b.concat({a, up}), 8), 2, Window2d{.kernel = {1, 1}}, GetParam()));
  expectEqual(b, chip::kLaneBytes);
}

TEST(Exponentials, SigmoidAndSoftmax) {
  for (uint32_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("exponential" + std::to_string(seed), 400 + seed);
    auto axis = int64_t(std::array{1, 2, 1, 0, 3, 1, 2, 1}[seed]);
    Shape shape{b.between(1, 3), seed == 2 ? 1 : b.between(2, seed == 5 ? 150 : 7),
                b.between(1, 20), b.between(1, 30)};
    int32_t x = b.input(shape);
    // Also beyond the range that the exponential keeps.
    for (int i = 0; i < int(seed); ++i)
      x = b.add(x, x, {}, DType::F32);
    if (seed % 2) // each also without the other's table of powers
      b.output(b.simple(x, "Sigmoid", Sigmoid{}, DType::F32));
    b.output(b.simple(x, "Softmax", Softmax{axis}, DType::F32));
    Network net = b.take();
    auto outcome = check(net, randomInputs(net, seed),
                         Options{.localBytes = seed % 2 ? chip::kLaneBytes : 16 << 10});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
  }
}

TEST(Floats32, Resizes) {
  using namespace interpret;
  constexpr CoordMode kModes[] = {CoordMode::HalfPixel, CoordMode::AlignCorners,
                                  CoordMode::Asymmetric, CoordMode::PytorchHalfPixel};
  for (uint32_t seed = 0; seed < 16; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("resize" + std::to_string(seed), 600 + seed);
    Shape in{b.between(1, 2), b.between(1, 70), b.between(2, 12), b.between(2, 16)};
    interpret::Interp how;
    for (size_t a = 0; a < 2; ++a) {
      how.outSize[a] = seed < 8 ? 2 * in[2 + a] : b.between(2, 30);
      how.scale[a] = double(how.outSize[a]) / double(in[2 + a]);
    }
    how.mode = seed % 2 ? InterpMode::Linear : InterpMode::Cubic;
    how.coordMode = kModes[seed / 2 % 4];
    int32_t x = b.input(in);
    x = b.conv(x, in[1], Window2d{.kernel = {3, 3}, .pads = {1, 1, 1, 1}}, DType::F32);
    b.output(b.blend(x, {floatTaps(how, 0, in[2]), floatTaps(how, 1, in[3])}));
    Network net = b.take();
    auto outcome = check(net, randomInputs(net, seed),
                         Options{.localBytes = seed % 3 ? chip::kLaneBytes : 24 << 10});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
  }
}

TEST(Floats32, ArgOfMany) {
  for (uint32_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("arg" + std::to_string(seed), 700 + seed);
    Shape shape{1, seed == 5 ? 256 : b.between(3, 21), b.between(1, 20), b.between(1, 30)};
    int32_t x = b.input(shape);
    x = b.cast(b.cast(x, DType::I8, 0.25), DType::F32, 0); // so that some are equal
    b.output(b.simple(x, "Arg", Arg{1, seed % 3 == 0, seed % 2 == 0}, DType::F32,
                      {1, 1, shape[2], shape[3]}));
    Network net = b.take();
    auto outcome = check(net, randomInputs(net, seed), Options{});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
  }
}

TEST(Floats32, ComparisonsAndArgOfTwo) {
  for (uint32_t seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("compare" + std::to_string(seed), 500 + seed);
    Shape shape{1, 2, b.between(1, 30), b.between(1, 40)};
    int32_t x = b.input(shape);
    b.output(b.simple(x, "Compare", Compare{seed % 2 != 0, 0.25}, DType::F32));
    b.output(b.simple(x, "Arg", Arg{1, seed % 3 == 0, seed % 2 == 0}, DType::F32,
                      {1, 1, shape[2], shape[3]}));
    Network net = b.take();
    auto outcome = check(net, randomInputs(net, seed), Options{});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
  }
}

INSTANTIATE_TEST_SUITE_P(Types, Floats, testing::Values(DType::F16, DType::BF16, DType::F32),
                         [](const auto &info) { return dtypeName(info.param); });

} // namespace
} // namespace tessera::conformance
