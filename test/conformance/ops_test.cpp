// Op by op on generated layers: known shapes first, then random ones with a printed seed, at full
// and at artificially small local memory, so that every op also runs in many slices.
#include "networks.h"
#include "reference.h"

#include "tessera/codegen/transfer.h"
#include "tessera/cycles/cycles.h"
#include "tessera/interpret/kernels/interp.h"
#include "tessera/runtime/runtime.h"
#include "tessera/sim/sim.h"
#include "tessera/support/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <random>

namespace tessera::conformance {
namespace {

using namespace schedule;

void expectEqual(Network net, const Options &options) {
  auto outcome = check(net, randomInputs(net, 11), options);
  ASSERT_TRUE(outcome) << outcome.error().text();
  EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
}
void expectEqual(Network net, int64_t localBytes = chip::kLaneBytes) {
  expectEqual(std::move(net), Options{.localBytes = localBytes});
}

Window2d window(std::array<int64_t, 2> kernel, std::array<int64_t, 2> strides = {1, 1},
                std::array<int64_t, 4> pads = {0, 0, 0, 0},
                std::array<int64_t, 2> dilations = {1, 1},
                std::array<int64_t, 2> outputPadding = {0, 0}) {
  return {kernel, strides, dilations, pads, outputPadding};
}

/// One layer between an i8 or u8 input and an output of the same network.
template <class Make>
Network single(const std::string &name, uint32_t seed, Shape in, DType type, Make make) {
  Builder b(name, seed);
  b.output(make(b, b.input(in, type, 1)));
  return b.take();
}

/// Base of the random rounds' seeds: TESSERA_SEED, else fixed.
uint32_t baseSeed() {
  const char *s = std::getenv("TESSERA_SEED");
  return s ? uint32_t(std::strtoul(s, nullptr, 10)) : 20240817u;
}
int rounds(int few) {
  const char *s = std::getenv("TESSERA_ROUNDS");
  return s ? std::atoi(s) : few;
}
template <class Make> void randomRounds(const std::string &name, int few, Make make) {
  for (int i = 0; i < rounds(few); ++i) {
    uint32_t seed = baseSeed() + uint32_t(i) * 7919u;
    SCOPED_TRACE(name + " seed " + std::to_string(seed));
    Builder b(name + std::to_string(seed), seed);
    static const int64_t sizes[] = {1 << 18, 1 << 18, 32 << 10, 8 << 10};
    Options options{.localBytes = sizes[b.random()() % 4], .overlap = b.random()() % 8 != 0};
    if (i % 2) { // where it can be done
      options.stack = Stacking::Always;
      options.groups = false;
    }
    if (make(b))
      expectEqual(b.take(), options);
    if (testing::Test::HasFailure())
      return;
  }
}

TEST(Conv, FirstLayerOfAUnet) {
  expectEqual(single("conv_first", 1, {1, 3, 52, 76}, DType::U8, [](Builder &b, int32_t x) {
    return b.conv(x, 64, window({3, 3}, {1, 1}, {1, 1, 1, 1}), DType::U8);
  }));
}
TEST(Conv, MiddleLayerOfAUnet) {
  expectEqual(single("conv_middle", 2, {1, 128, 13, 19}, DType::U8, [](Builder &b, int32_t x) {
    return b.conv(x, 256, window({3, 3}, {1, 1}, {1, 1, 1, 1}), DType::U8);
  }));
}
TEST(Conv, ManyBlocksAndBands) {
  for (int64_t local : {24 << 10, 40 << 10})
    expectEqual(single("conv_blocks", 3, {1, 130, 22, 30}, DType::I8,
                       [](Builder &b, int32_t x) {
                         return b.conv(x, 200, window({3, 3}, {1, 1}, {1, 1, 1, 1}), DType::I8);
                       }),
                local);
}
TEST(Conv, InputChannelsInParts) {
  // Weights of one block of 64 output channels alone pass local memory: partial sums are added up.
  expectEqual(single("conv_parts", 4, {1, 1000, 3, 4}, DType::U8,
                     [](Builder &b, int32_t x) {
                       return b.conv(x, 70, window({3, 3}, {1, 1}, {1, 1, 1, 1}), DType::I8);
                     }),
              5000);
}
TEST(Conv, PadValuesPerChannelAndConstant) {
  for (bool table : {false, true})
    for (int64_t local : {1 << 18, 4 << 10}) {
      Builder b(table ? "conv_padtable" : "conv_padvalue", 5);
      std::vector<int32_t> values(70);
      for (size_t i = 0; i < values.size(); ++i)
        values[i] = table ? int32_t(i * 3 % 256) : 200;
      int32_t x = b.input({1, 70, 20, 17}, DType::U8, 1);
      b.output(b.conv(x, 20, window({3, 5}, {2, 1}, {1, 2, 3, 0}), DType::I8, true, 1, values));
      expectEqual(b.take(), local);
    }
}
TEST(Conv, UnsignedFilterWithoutBias) {
  expectEqual(single("conv_u8", 6, {1, 20, 9, 11}, DType::I8, [](Builder &b, int32_t x) {
    return b.conv(x, 33, window({1, 1}), DType::I8, false, 1, {}, DType::U8);
  }));
}
TEST(Conv, Groups) {
  expectEqual(single("conv_depthwise", 7, {1, 24, 12, 10}, DType::U8, [](Builder &b, int32_t x) {
    return b.conv(x, 24, window({3, 3}, {1, 1}, {1, 1, 1, 1}), DType::U8, true, 24);
  }));
}
void expectUnfolded(Network net, const std::vector<int64_t> &localBytes) {
  auto inputs = randomInputs(net, 11);
  for (int64_t local : localBytes)
    for (bool overlap : {true, false}) {
      auto outcome = check(net, inputs,
                           {.localBytes = local, .overlap = overlap, .unfold = Unfolding::Always});
      ASSERT_TRUE(outcome) << outcome.error().text();
      EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
      EXPECT_NE(outcome->scheduleText.find("unfolded"), std::string::npos) << outcome->scheduleText;
    }
}

TEST(UnfoldedConv, WindowsAndChannels) {
  struct Case {
    int64_t ic, oc;
    Window2d w;
    std::vector<int64_t> local;
  };
  const std::vector<Case> cases{
      {3, 64, window({3, 3}, {1, 1}, {1, 1, 1, 1}), {1 << 18, 6 << 10, 3 << 10}},
      {1, 70, window({5, 5}, {1, 1}, {2, 2, 2, 2}), {1 << 18, 6 << 10}},
      {4, 20, window({5, 5}, {1, 1}, {2, 2, 2, 2}), {1 << 18, 8 << 10}}, // cells cross lane 63
      {3, 64, window({7, 7}, {2, 2}, {3, 3, 3, 3}), {1 << 18, 6 << 10}},
      {3, 33, window({3, 3}, {1, 1}, {2, 2, 2, 2}, {2, 2}), {1 << 18, 3 << 10}},
      {4, 65, window({3, 5}, {2, 1}, {0, 4, 3, 1}, {1, 2}), {1 << 18, 4 << 10}},
      {24, 24, window({3, 3}, {1, 1}, {1, 1, 1, 1}), {1 << 18, 6 << 10}},
      {2, 9, window({1, 4}, {1, 3}, {0, 0, 0, 2}), {1 << 18, 2 << 10}},
      {20, 8, window({3, 9}, {1, 2}, {1, 4, 1, 3}, {2, 1}), {1 << 18, 6 << 10}}, // rows only
  };
  for (const Case &k : cases)
    for (DType type : {DType::U8, DType::I8})
      expectUnfolded(
          single("conv_unfolded_" + std::to_string(&k - cases.data()) +
                     (type == DType::U8 ? "u" : "i"),
                 uint32_t(41 + (&k - cases.data())), {2, k.ic, 29, 43}, type,
                 [&](Builder &b, int32_t x) { return b.conv(x, k.oc, k.w, DType::U8, k.ic != 1); }),
          k.local);
}
TEST(UnfoldedConv, PadValue) {
  Builder b("conv_unfolded_pad_value", 51);
  int32_t x = b.input({1, 3, 20, 17}, DType::U8, 1);
  b.output(
      b.conv(x, 20, window({3, 5}, {2, 1}, {1, 2, 3, 0}), DType::I8, true, 1, {200, 200, 200}));
  expectUnfolded(b.take(), {1 << 18, 2 << 10});
}
TEST(UnfoldedConv, InsideOfANetwork) {
  // Behind a cast, with a pool on the result, and input rows that a Pad surrounds.
  Builder b("conv_unfolded_network", 52);
  int32_t x = b.cast(b.input({1, 3, 38, 47}), DType::U8, 1.0 / 255);
  x = b.pad(x, {0, 0, 1, 2, 0, 0, 3, 1});
  x = b.conv(x, 40, window({3, 3}, {1, 1}, {1, 1, 1, 1}), DType::U8);
  b.output(b.maxPool(x, window({2, 2}, {2, 2})));
  b.output(x);
  expectUnfolded(b.take(), {1 << 18, 8 << 10});
}
TEST(UnfoldedConv, TakenWhereItPaysAndNeverWhenOff) {
  auto text = [](Unfolding unfold, int64_t ic) {
    Builder b("choice", 53);
    b.output(b.conv(b.input({1, ic, 64, 304}, DType::U8, 1), 256,
                    window({3, 3}, {1, 1}, {1, 1, 1, 1}), DType::U8));
    auto s = schedule::schedule(b.take(), {.unfold = unfold});
    return s ? s->text() : s.error().text();
  };
  EXPECT_NE(text(Unfolding::WherePays, 3).find("unfolded"), std::string::npos);
  EXPECT_EQ(text(Unfolding::Never, 3).find("unfolded"), std::string::npos);
  EXPECT_EQ(text(Unfolding::Always, 64).find("unfolded"), std::string::npos);
}
TEST(UnfoldedConv, Random) {
  for (int i = 0; i < rounds(20); ++i) {
    uint32_t seed = baseSeed() + uint32_t(i) * 7919u;
    SCOPED_TRACE("seed " + std::to_string(seed));
    Builder b("conv_unfolded" + std::to_string(seed), seed);
    Window2d w = window({b.between(1, 7), b.between(2, 7)}, {b.between(1, 3), b.between(1, 3)},
                        {b.between(0, 3), b.between(0, 3), b.between(0, 3), b.between(0, 3)},
                        {b.between(1, 3), b.between(1, 3)});
    Shape in{b.between(1, 2), b.between(1, 20), b.between(1, 40), b.between(1, 50)};
    bool meets = w.outputSize(0, in[2]) >= 1 && w.outputSize(1, in[3]) >= 1;
    for (int a = 0; a < 2 && meets; ++a)
      meets = (w.outputSize(a, in[size_t(2 + a)]) - 1) * w.strides[size_t(a)] - w.pads[size_t(a)] +
                  w.extent(a) >
              0;
    if (!meets)
      continue;
    b.output(b.conv(b.input(in, b.i8OrU8(), 1), b.between(1, 140), w, b.i8OrU8()));
    expectUnfolded(b.take(), {1 << 18, 16 << 10});
    if (testing::Test::HasFailure())
      return;
  }
}
TEST(StackedConv, WindowsChannelsAndBands) {
  struct Case {
    int64_t ic, oc, rows;
    Window2d w;
  };
  const std::vector<Case> cases{
      {8, 8, 40, window({3, 3}, {1, 1}, {1, 1, 1, 1})},
      {3, 5, 36, window({5, 3}, {1, 1}, {2, 1, 2, 1})},           // bands lower than the kernel
      {1, 2, 31 * 2, window({3, 3}, {2, 1}, {1, 1, 1, 1})},       // a stride
      {16, 30, 20, window({3, 3}, {1, 2}, {2, 2, 2, 2}, {2, 2})}, // holes
      {7, 3, 24, window({1, 1})},
      {4, 6, 26, window({3, 2}, {1, 1}, {0, 0, 0, 0})}, // no padding: fewer rows than the input
  };
  for (const Case &k : cases)
    for (DType type : {DType::U8, DType::I8})
      for (int64_t local : {1 << 18, 4 << 10}) {
        auto net = single("conv_stacked_" + std::to_string(&k - cases.data()),
                          uint32_t(61 + (&k - cases.data())), {2, k.ic, k.rows, 29}, type,
                          [&](Builder &b, int32_t x) { return b.conv(x, k.oc, k.w, DType::I8); });
        Options options{.localBytes = local,
                        .unfold = Unfolding::Never,
                        .stack = Stacking::Always,
                        .groups = false};
        auto outcome = check(net, randomInputs(net, 11), options);
        ASSERT_TRUE(outcome) << outcome.error().text();
        EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
        EXPECT_NE(outcome->scheduleText.find("side by side"), std::string::npos)
            << outcome->scheduleText;
      }
}
TEST(StackedConv, InsideOfANetwork) {
  // Padding that is no zero, pools and copies on results that nobody stores, parts of a Concat.
  Builder b("conv_stacked_network", 71);
  int32_t x = b.input({1, 6, 36, 30}, DType::U8, 1); // 12 bands, but not of the small one
  x = b.conv(x, 10, window({3, 3}, {1, 1}, {1, 1, 1, 1}), DType::U8, true, 1,
             std::vector<int32_t>(6, 37));
  int32_t pooled = b.maxPool(x, window({2, 2}, {2, 2}));
  int32_t up = b.deconv(pooled, 10, window({2, 2}, {2, 2}), DType::U8);
  int32_t both = b.concat({b.mulShift(up, 77, 7, DType::U8), b.mulShift(x, 99, 7, DType::U8)});
  b.output(b.conv(both, 4, window({3, 3}, {1, 1}, {1, 1, 1, 1}), DType::I8));
  auto net = b.take();
  for (bool groups : {true, false})
    for (int64_t local : {1 << 18, 8 << 10})
      expectEqual(net, {.localBytes = local, .stack = Stacking::Always, .groups = groups});
}
TEST(Conv, Random) {
  randomRounds("conv_random", 30, [](Builder &b) {
    Window2d w = window({b.between(1, 5), b.between(1, 5)}, {b.between(1, 3), b.between(1, 3)},
                        {b.between(0, 3), b.between(0, 3), b.between(0, 3), b.between(0, 3)},
                        {b.between(1, 3), b.between(1, 3)});
    Shape in{b.between(1, 2), b.between(1, 140), b.between(1, 40), b.between(1, 50)};
    if (w.outputSize(0, in[2]) < 1 || w.outputSize(1, in[3]) < 1)
      return false;
    for (int a = 0; a < 2; ++a) // no window meets the input at all: refused by name
      if ((w.outputSize(a, in[size_t(2 + a)]) - 1) * w.strides[size_t(a)] - w.pads[size_t(a)] +
              w.extent(a) <=
          0)
        return false;
    int32_t x = b.input(in, b.i8OrU8(), 1);
    b.output(b.conv(x, b.between(1, 140), w, b.i8OrU8(), b.between(0, 3) > 0));
    return true;
  });
}

TEST(DepthwiseConv, Random) {
  // Alone, or between 1x1 convolutions that keep its tensors in local memory.
  randomRounds("depthwise", 40, [](Builder &b) {
    Window2d w = window({b.between(1, 5), b.between(1, 5)}, {b.between(1, 3), b.between(1, 3)},
                        {b.between(0, 3), b.between(0, 3), b.between(0, 3), b.between(0, 3)},
                        {b.between(1, 3), b.between(1, 3)});
    Shape in{b.between(1, 2), b.between(2, 140), b.between(1, 50), b.between(1, 70)};
    for (int a = 0; a < 2; ++a) { // every window meets the input
      int64_t out = w.outputSize(a, in[size_t(2 + a)]), pad = w.pads[size_t(a)];
      if (out < 1 || (out - 1) * w.strides[size_t(a)] >= in[size_t(2 + a)] + pad ||
          w.extent(a) <= pad)
        return false;
    }
    int32_t x = b.input(in, b.i8OrU8(), 1);
    bool inside = b.between(0, 1);
    if (inside)
      x = b.conv(x, in[1], Window2d{}, b.i8OrU8());
    std::vector<int32_t> padValue;
    if (b.between(0, 3) == 0)
      padValue.assign(
          size_t(in[1]),
          int32_t(b.tensor(x).dtype == DType::U8 ? b.between(0, 255) : b.between(-128, 127)));
    x = b.conv(x, in[1], w, b.i8OrU8(), b.between(0, 3) > 0, in[1], padValue, b.i8OrU8());
    if (inside)
      x = b.conv(x, b.between(1, 80), Window2d{}, b.i8OrU8());
    b.output(x);
    return true;
  });
}
TEST(DepthwiseConv, RunsChannelByChannelAndSaturatesItsBias) {
  for (bool large : {false, true}) {
    Network net =
        single("depthwise_bias", 9, {1, 70, 12, 20}, DType::I8, [](Builder &b, int32_t x) {
          return b.conv(x, 70, window({3, 3}, {1, 1}, {1, 1, 1, 1}), DType::I8, true, 70);
        });
    auto &conv = std::get<Conv2D>(net.layers[0].op);
    for (int64_t c = 0; large && c < 70; ++c)
      conv.bias.as<int32_t>()[size_t(c)] = c % 2 ? INT32_MAX - 9 : INT32_MIN + 9;
    auto outcome = check(net, randomInputs(net, 11), {.groups = false});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->difference, "");
    EXPECT_NE(outcome->scheduleText.find("channel by channel"), std::string::npos);
  }
}
TEST(Deconv, UpsamplingOfAUnet) {
  expectEqual(single("deconv_unet", 1, {1, 128, 13, 19}, DType::U8, [](Builder &b, int32_t x) {
    return b.deconv(x, 64, window({2, 2}, {2, 2}), DType::I8);
  }));
}
TEST(Deconv, WindowsThatTileTheResult) {
  for (auto k : std::vector<std::array<int64_t, 2>>{{2, 2}, {1, 2}, {3, 2}, {4, 1}})
    for (int64_t local : {1 << 18, 6 << 10, 2 << 10})
      for (bool bias : {true, false})
        expectEqual(single("deconv_tiles", 4, {2, 70, 9, 14}, DType::U8,
                           [&](Builder &b, int32_t x) {
                             return b.deconv(x, 130, window(k, k), DType::I8, bias);
                           }),
                    local);
}
TEST(Deconv, OutputPaddingOfTheResidualNet) {
  for (int64_t local : {1 << 18, 4 << 10})
    expectEqual(single("deconv_output_padding", 2, {1, 40, 9, 8}, DType::U8,
                       [](Builder &b, int32_t x) {
                         return b.deconv(x, 30,
                                         window({3, 3}, {2, 2}, {0, 0, 0, 0}, {1, 1}, {1, 1}),
                                         DType::U8);
                       }),
                local);
}
TEST(Deconv, Random) {
  randomRounds("deconv_random", 30, [](Builder &b) {
    std::array<int64_t, 2> strides{b.between(1, 4), b.between(1, 4)};
    Window2d w = window({b.between(1, 5), b.between(1, 5)}, strides,
                        {b.between(0, 2), b.between(0, 2), b.between(0, 2), b.between(0, 2)},
                        {b.between(1, 2), b.between(1, 2)},
                        {b.between(0, strides[0] - 1), b.between(0, strides[1] - 1)});
    Shape in{b.between(1, 2), b.between(1, 80), b.between(2, 16), b.between(2, 20)};
    // As many outputs as inputs are apart: some window meets one.
    if (w.transposedOutputSize(0, in[2]) < strides[0] ||
        w.transposedOutputSize(1, in[3]) < strides[1])
      return false;
    int32_t x = b.input(in, b.i8OrU8(), 1);
    b.output(b.deconv(x, b.between(1, 80), w, b.i8OrU8(), b.between(0, 3) > 0));
    return true;
  });
}

TEST(Epilogues, Random) {
  // A convolution's result goes to several ops at once, with and without being an output itself.
  randomRounds("epilogue_random", 30, [](Builder &b) {
    int32_t x = b.input({b.between(1, 2), b.between(1, 70), b.between(8, 40), b.between(8, 60)},
                        b.i8OrU8(), 1);
    DType type = b.i8OrU8();
    bool transposed = b.between(0, 2) == 0;
    int64_t oc = b.between(1, 140);
    int32_t y = transposed ? b.deconv(x, oc, window({2, 2}, {2, 2}), type)
                           : b.conv(x, oc, window({3, 3}, {1, 1}, {1, 1, 1, 1}), type);
    if (b.between(0, 2) == 0)
      b.output(y);
    int64_t s = b.between(1, 4), t = b.between(1, 4);
    if (b.between(0, 1))
      b.output(b.maxPool(y, window({s, t}, {s, t}), b.between(0, 1), b.between(0, 1)));
    if (b.between(0, 1))
      b.output(b.maxPool(y, window({2, 2}, {2, 2})));
    if (b.between(0, 1))
      b.output(b.mulShift(y, int32_t(b.between(0, 126)), int32_t(b.between(0, 8)), b.i8OrU8()));
    if (b.between(0, 3) == 0)
      b.output(b.simple(y, "Compare", Compare{false, 3}, DType::U8));
    if (type == DType::I8 && b.between(0, 2) == 0)
      b.output(b.simple(y, "LeakyRelu", LeakyRelu{13, 7}, type));
    int32_t m = b.mulShift(y, 77, 7, DType::I8);
    b.output(b.concat({m, b.pad(b.mulShift(y, 5, 2, DType::I8), {0, 0, 0, 0, 0, 0, 0, 0})}));
    b.output(b.simple(y, "Cast", Cast{}, DType::F32));
    return true;
  });
}

TEST(MaxPool, OfAUnet) {
  for (DType type : {DType::U8, DType::I8})
    expectEqual(single("pool", 1, {1, 70, 26, 38}, type,
                       [](Builder &b, int32_t x) { return b.maxPool(x, window({2, 2}, {2, 2})); }));
}
TEST(MaxPool, Random) {
  randomRounds("pool_random", 20, [](Builder &b) {
    std::array<int64_t, 2> k{b.between(1, 4), b.between(1, 4)};
    Window2d w = window(k, {b.between(1, 3), b.between(1, 3)},
                        {b.between(0, k[0] - 1), b.between(0, k[1] - 1), b.between(0, k[0] - 1),
                         b.between(0, k[1] - 1)});
    Shape in{b.between(1, 2), b.between(1, 140), b.between(4, 60), b.between(4, 60)};
    int32_t x = b.input(in, b.i8OrU8(), 1);
    b.output(b.maxPool(x, w, b.between(0, 1), b.between(0, 1)));
    return true;
  });
}

TEST(AveragePool, OfNetworks) {
  for (DType type : {DType::I8, DType::U8}) {
    Builder b("average", 3);
    int32_t x = b.input({2, 70, 24, 30}, type, 1);
    b.output(b.averagePool(x, window({2, 2}, {2, 2})));
    b.output(b.averagePool(x, window({3, 3}, {1, 1}, {1, 1, 1, 1})));
    b.output(b.averagePool(x, window({24, 30}))); // global
    b.output(b.averagePool(x, window({1, 30})));
    Network net = b.take();
    for (int64_t local : {1 << 18, 6 << 10})
      expectEqual(net, local);
  }
}
TEST(AveragePool, Random) {
  randomRounds("average_random", 20, [](Builder &b) {
    Window2d w = window({b.between(1, 6), b.between(1, 6)}, {b.between(1, 4), b.between(1, 4)},
                        {b.between(0, 1), b.between(0, 1), b.between(0, 1), b.between(0, 1)});
    Shape in{b.between(1, 2), b.between(1, 140), b.between(6, 40), b.between(6, 50)};
    b.output(b.averagePool(b.input(in, b.i8OrU8(), 1), w));
    return true;
  });
}

TEST(Elementwise, AddInEveryMixOfTypes) {
  for (DType a : {DType::I8, DType::U8})
    for (DType c : {DType::I8, DType::U8})
      for (DType out : {DType::I8, DType::U8}) {
        Builder b(std::string("add_") + dtypeName(a) + dtypeName(c) + dtypeName(out), 1);
        int32_t x = b.input({1, 5, 33, 70}, a, 1), y = b.input({1, 5, 33, 70}, c, 1);
        b.output(b.add(x, y, {{126, 3}, {6, 1}}, out));
        expectEqual(b.take(), 8 << 10);
      }
}
TEST(Elementwise, MulShiftInEveryMixOfTypes) {
  for (DType in : {DType::I8, DType::U8})
    for (DType out : {DType::I8, DType::U8})
      for (auto [m, r] : {std::pair{77, 7}, std::pair{126, 0}, std::pair{1, 1}, std::pair{0, 3}})
        expectEqual(single("mulshift", 1, {2, 3, 40, 41}, in,
                           [&](Builder &b, int32_t x) { return b.mulShift(x, m, r, out); }),
                    16 << 10);
}
TEST(Elementwise, ReluAndLeakyRelu) {
  expectEqual(single("relu", 1, {1, 7, 15, 9}, DType::I8,
                     [](Builder &b, int32_t x) { return b.simple(x, "Relu", Relu{}, DType::I8); }));
  expectEqual(single("relu_u8", 2, {1, 7, 15, 9}, DType::I8,
                     [](Builder &b, int32_t x) { return b.simple(x, "Relu", Relu{}, DType::U8); }));
  for (int32_t m : {13, -13, 200, 0})
    for (DType type : {DType::I8, DType::U8})
      expectEqual(single("leaky", 3, {1, 7, 15, 9}, type, [&](Builder &b, int32_t x) {
        return b.simple(x, "LeakyRelu", LeakyRelu{m, 7}, type);
      }));
}
TEST(Elementwise, CompareAtEveryEdge) {
  for (DType type : {DType::I8, DType::U8})
    for (bool less : {false, true})
      for (double t :
           {-1000.0, -129.0, -128.0, -1.0, 0.0, 1.0, 127.0, 128.0, 254.0, 255.0, 256.0, 12.5})
        expectEqual(single("compare", 1, {1, 2, 31, 17}, type, [&](Builder &b, int32_t x) {
          return b.simple(x, "Compare", Compare{less, t}, DType::U8);
        }));
}
TEST(Elementwise, ArgOfTwoChannels) {
  for (DType type : {DType::I8, DType::U8})
    for (bool smallest : {false, true})
      for (bool last : {false, true}) {
        Builder b("arg", 1);
        // Small values, so that ties occur.
        int32_t x = b.mulShift(b.input({2, 2, 31, 40}, type, 1), 1, 5, type);
        b.output(b.simple(x, "Arg", Arg{1, smallest, last}, DType::U8, {2, 1, 31, 40}));
        b.output(b.simple(x, "Arg", Arg{1, smallest, last}, DType::U8, {2, 31, 40}));
        expectEqual(b.take());
      }
}
TEST(Elementwise, ArgOfManyChannels) {
  for (DType type : {DType::I8, DType::U8})
    for (bool smallest : {false, true})
      for (bool last : {false, true}) {
        Builder b("arg_many", 2);
        for (int64_t count : {3, 4, 21}) {
          int32_t x = b.mulShift(b.input({2, count, 17, 40}, type, 1), 1, 5, type); // with ties
          b.output(b.simple(x, "Arg", Arg{1, smallest, last}, DType::U8, {2, 1, 17, 40}));
          b.output(b.simple(x, "Arg", Arg{1, smallest, last}, DType::U8, {2, 17, 40}));
        }
        Network net = b.take();
        expectEqual(net);
        expectEqual(net, 4 << 10);
      }
}
TEST(Elementwise, MulInEveryMixOfTypes) {
  for (DType left : {DType::I8, DType::U8})
    for (DType right : {DType::I8, DType::U8})
      for (DType out : {DType::I8, DType::U8}) {
        Builder b("mul", 4);
        int32_t a = b.input({1, 70, 11, 13}, left, 1), c = b.input({1, 70, 11, 13}, right, 1);
        b.output(b.mul(a, c, {101, 14}, out));
        b.output(b.mul(a, c, {126, 3}, out));
        b.output(b.mul(a, c, {1, 0}, out));
        b.output(b.add(a, c, {{77, -100}, {7, 6}}, out)); // a difference
        expectEqual(b.take());
      }
}
TEST(Elementwise, TablesOfEveryShape) {
  for (DType in : {DType::I8, DType::U8})
    for (DType out : {DType::I8, DType::U8})
      for (Shape shape : {Shape{1, 1, 64, 256}, Shape{2, 70, 9, 13}, Shape{1, 3, 300, 311},
                          Shape{1, 65, 1, 1}, Shape{1, 2, 1, 70000}})
        for (int64_t local : {1 << 18, 4 << 10})
          expectEqual(single("lut", 5, shape, in,
                             [&](Builder &b, int32_t x) {
                               Lut lut;
                               for (int i = 0; i < 256; ++i)
                                 lut.table.push_back(uint8_t(b.between(0, 255)));
                               // Behind a convolution too, which must not take it along.
                               int32_t y = b.conv(x, shape[1], window({1, 1}), in);
                               b.output(b.simple(y, "Lut", lut, out));
                               return b.simple(x, "Lut", lut, out);
                             }),
                      local);
}
TEST(Elementwise, CastsBothWays) {
  for (DType type : {DType::I8, DType::U8}) {
    Builder b("cast", 1);
    int32_t q = b.cast(b.input({1, 3, 50, 61}), type, 0.0078);
    int32_t f = b.simple(q, "Cast", Cast{}, DType::F32);
    b.output(f);
    b.output(q);
    expectEqual(b.take(), 32 << 10);
  }
}

TEST(Moves, ConcatOnEveryAxisAndOfInputsUsedTwice) {
  for (int64_t axis = 0; axis < 4; ++axis) {
    Builder b("concat", 1);
    int32_t x = b.input({2, 3, 20, 30}, DType::I8, 1), y = b.mulShift(x, 3, 1, DType::I8);
    int32_t c = b.concat({x, y, y, x}, axis);
    b.output(b.mulShift(c, 5, 2, DType::I8));
    b.output(y);
    b.output(c);
    expectEqual(b.take(), 4 << 10);
  }
}
TEST(Moves, PadsAndCrops) {
  for (auto paddings : std::vector<std::vector<int64_t>>{
           {0, 0, 0, 1, 0, 0, 1, 0}, {1, 2, 3, 4, 0, 1, 5, 2}, {0, 0, -2, 3, 0, 0, 1, -4}}) {
    Builder b("pad", 2);
    int32_t x = b.input({1, 3, 20, 30}, DType::I8, 1);
    b.output(b.pad(x, paddings, -7));
    b.output(
        b.conv(b.pad(b.mulShift(x, 3, 1, DType::I8), paddings, 5), 20, window({3, 3}), DType::I8));
    expectEqual(b.take());
  }
}
// A plane of one element, and one channel, for all: element-wise ops read them as they are.
TEST(Moves, RepeatedOperands) {
  for (uint32_t seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("repeated" + std::to_string(seed), 400 + seed);
    Shape shape{b.between(1, 2), b.between(2, 150), b.between(2, 30), b.between(2, 40)};
    bool floats = seed % 3 == 0;
    DType type = floats ? DType::F32 : b.i8OrU8();
    auto in = [&](const Shape &s) { return b.input(s, type, !floats); };
    auto plane = [&](int32_t x) {
      return b.interp(x, std::vector<int64_t>(size_t(shape[2]), 0),
                      std::vector<int64_t>(size_t(shape[3]), 0));
    };
    auto channels = [&](int32_t x) { return b.concat(std::vector<int32_t>(size_t(shape[1]), x)); };
    int32_t x = in(shape), gate = plane(in({shape[0], shape[1], 1, 1})),
            map = channels(in({shape[0], 1, shape[2], shape[3]})),
            one = channels(plane(in({shape[0], 1, 1, 1})));
    auto both = [&](int32_t l, int32_t r) {
      return floats            ? b.pair("Mul", l, r, Mul{})
             : b.between(0, 1) ? b.mul(l, r, {3, 9}, type)
                               : b.add(l, r, {{61, 53}, {6, 6}}, type);
    };
    if (seed % 2) // so that a group reads them
      x = b.conv(x, shape[1], Window2d{.kernel = {3, 3}, .pads = {1, 1, 1, 1}}, type);
    b.output(both(gate, both(both(x, gate), map)));
    b.output(both(one, x));
    if (seed % 4 == 0)
      b.output(both(gate, map)); // two of them
    if (seed % 5 == 0)
      b.output(b.pad(gate, {0, 0, 1, 0, 0, 0, 0, 2})); // a reader that wants all of it
    Network net = b.take();
    auto outcome = check(net, randomInputs(net, seed),
                         {.localBytes = seed % 4 < 2 ? chip::kLaneBytes : 16 << 10});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
  }
}

TEST(Moves, Permutes) {
  constexpr DType kTypes[] = {DType::I8, DType::F32, DType::F16};
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Builder b("permute" + std::to_string(seed), 300 + seed);
    std::vector<int64_t> order{0, 1, 2, 3};
    for (uint32_t k = 0; k < seed % 24; ++k)
      std::ranges::next_permutation(order);
    Shape shape{b.between(1, 3), b.between(1, 90), b.between(1, 40), b.between(1, 300)};
    if (seed >= 48) { // few large axes, one of them odd
      shape = {1, 1, b.between(2000, 5000), b.between(2, 300)};
      shape[size_t(b.between(0, 1))] = b.between(1, 2);
    }
    DType type = kTypes[seed % 3];
    int32_t x = type == DType::F16 ? b.cast(b.input(shape), type, 0)
                                   : b.input(shape, type, type == DType::I8);
    if (seed % 4 == 0) // of a part of a tensor
      x = b.slice(x, {0, shape[1] / 2, 0, 0}, {1, 1, 1, 1},
                  {shape[0], shape[1] - shape[1] / 2, shape[2], shape[3]});
    int32_t y = b.permute(x, order);
    b.output(type == DType::F16 ? b.cast(y, DType::F32, 0) : y);
    Network net = b.take();
    auto outcome =
        check(net, randomInputs(net, seed), {.localBytes = seed % 2 ? chip::kLaneBytes : 8 << 10});
    ASSERT_TRUE(outcome) << outcome.error().text();
    EXPECT_EQ(outcome->difference, "") << outcome->scheduleText;
  }
}

TEST(Moves, SlicesWithSteps) {
  Builder b("slice", 3);
  int32_t x = b.input({2, 9, 24, 300}, DType::U8, 1);
  int32_t s = b.slice(x, {1, 1, 3, 2}, {1, 2, 3, 130}, {1, 4, 7, 2});
  b.output(s);
  b.output(b.mulShift(s, 3, 1, DType::U8));
  b.output(
      b.conv(b.slice(x, {0, 0, 1, 5}, {1, 1, 1, 2}, {2, 9, 20, 60}), 8, window({3, 3}), DType::U8));
  expectEqual(b.take());
}
TEST(Moves, ReshapeOfDenseAndOfStrided) {
  Builder b("reshape", 4);
  int32_t x = b.input({1, 6, 10, 14}, DType::I8, 1);
  b.output(b.reshape(b.mulShift(x, 3, 1, DType::I8), {1, 60, 14}));
  b.output(b.reshape(b.slice(x, {0, 0, 1, 1}, {1, 1, 1, 1}, {1, 6, 8, 12}), {6, 96}));
  expectEqual(b.take());
}
TEST(Moves, NearestByWholeFactorsAndByAnyMap) {
  auto by = [](int64_t factor, int64_t n) {
    std::vector<int64_t> map;
    for (int64_t i = 0; i < n * factor; ++i)
      map.push_back(i / factor);
    return map;
  };
  for (int64_t local : {1 << 18, 2 << 10}) {
    Builder b("interp", 5);
    int32_t x = b.input({2, 70, 12, 15}, DType::U8, 1);
    b.output(b.interp(x, by(2, 12), by(2, 15)));
    b.output(b.interp(x, by(1, 12), by(3, 15)));
    std::vector<int64_t> rows, columns;
    for (int64_t i = 0; i < 17; ++i)
      rows.push_back(i * 12 / 17);
    for (int64_t i = 0; i < 9; ++i)
      columns.push_back(i * 15 / 9);
    b.output(b.interp(x, rows, columns));
    expectEqual(b.take(), local);
  }
}

Blend blendOf(const interpret::Interp &how, const Shape &in) {
  return {interpret::integerTaps(how, 0, in[2]), interpret::integerTaps(how, 1, in[3])};
}
interpret::Interp resize(std::array<int64_t, 2> in, std::array<int64_t, 2> out,
                         interpret::InterpMode mode, interpret::CoordMode coords) {
  return {out, {double(out[0]) / double(in[0]), double(out[1]) / double(in[1])}, mode, coords};
}

TEST(Resizes, LinearAndCubicByEveryCoordinateMode) {
  using enum interpret::InterpMode;
  using enum interpret::CoordMode;
  for (auto mode : {Linear, Cubic})
    for (auto coords : {HalfPixel, PytorchHalfPixel, AlignCorners, Asymmetric})
      for (DType type : {DType::I8, DType::U8}) {
        Builder b("resize", 6);
        Shape in{1, 70, 12, 15};
        int32_t x = b.input(in, type, 1);
        for (std::array<int64_t, 2> out :
             {std::array<int64_t, 2>{24, 30}, {48, 60}, {17, 44}, {5, 7}})
          b.output(b.blend(x, blendOf(resize({12, 15}, out, mode, coords), in)));
        Network net = b.take();
        for (int64_t local : {1 << 18, 4 << 10})
          expectEqual(net, local);
      }
}
TEST(Resizes, Random) {
  randomRounds("resize", 20, [](Builder &b) {
    Shape in{b.between(1, 2), b.between(1, 140), b.between(1, 30), b.between(1, 40)};
    auto how =
        resize({in[2], in[3]}, {b.between(1, 60), b.between(1, 80)},
               interpret::InterpMode(b.between(1, 2)), interpret::CoordMode(b.between(0, 3)));
    b.output(b.blend(b.input(in, b.i8OrU8(), 1), blendOf(how, in)));
    return true;
  });
}

TEST(Groups, ResizesSumsAndAveragesStayInLocalMemory) {
  using enum interpret::CoordMode;
  Window2d same = window({3, 3}, {1, 1}, {1, 1, 1, 1});
  for (auto coords : {HalfPixel, AlignCorners})
    for (auto mode : {interpret::InterpMode::Linear, interpret::InterpMode::Cubic}) {
      Builder b("group_resize", 8);
      int32_t skip = b.conv(b.input({1, 6, 26, 38}, DType::U8, 1), 70, same, DType::U8);
      int32_t low = b.conv(b.averagePool(skip, window({2, 2}, {2, 2})), 70, same, DType::U8);
      low = b.add(low, b.conv(low, 70, same, DType::I8), {{61, 53}, {6, 6}}, DType::U8);
      int32_t up = b.blend(low, blendOf(resize({13, 19}, {26, 38}, mode, coords), {1, 70, 13, 19}));
      std::vector<int64_t> rows, columns;
      for (int64_t i = 0; i < 26; ++i)
        rows.push_back(coords == HalfPixel ? i / 2 : i * 12 / 25);
      for (int64_t i = 0; i < 38; ++i)
        columns.push_back(i / 2);
      up = b.concat({up, b.conv(b.interp(low, rows, columns), 20, same, DType::U8)});
      int32_t x = b.conv(b.concat({skip, up}), 20, same, DType::I8);
      x = b.mul(x, b.conv(skip, 20, same, DType::U8), {100, 13}, DType::I8);
      b.output(b.conv(x, 3, same, DType::I8));
      Network net = b.take();
      for (int64_t local : {1 << 18, 24 << 10, 12 << 10})
        expectEqual(net, local);
    }
}
TEST(Groups, ResizesBetweenConvolutions) {
  using enum interpret::CoordMode;
  Window2d same = window({3, 3}, {1, 1}, {1, 1, 1, 1});
  for (auto coords : {HalfPixel, AlignCorners, Asymmetric})
    // Cubic ones see more rows than a group keeps.
    for (auto mode : {interpret::InterpMode::Linear, interpret::InterpMode::Nearest}) {
      Builder b("group_resize_pinned", 9);
      int32_t low = b.conv(b.input({2, 6, 15, 19}, DType::U8, 1), 70, same, DType::U8);
      auto how = resize({15, 19}, {30, 38}, mode, coords);
      int32_t up;
      if (mode == interpret::InterpMode::Nearest) {
        std::vector<int64_t> rows, columns;
        for (int64_t i = 0; i < 30; ++i)
          rows.push_back(interpret::nearestSource(how, 0, 15, i));
        for (int64_t i = 0; i < 38; ++i)
          columns.push_back(interpret::nearestSource(how, 1, 19, i));
        up = b.interp(low, rows, columns);
      } else {
        up = b.blend(low, blendOf(how, {2, 70, 15, 19}));
      }
      int32_t last = b.conv(up, 20, same, DType::I8);
      b.output(last);
      Options options{.pins = {{b.tensor(low).name, b.tensor(last).name, ""}}};
      Network net = b.take();
      for (int64_t local : {1 << 18, 16 << 10}) { // in one band, and in several
        options.localBytes = local;
        expectEqual(net, options);
      }
    }
}

TEST(Refusals, AllAtOnceByName) {
  Builder b("refused", 1);
  int32_t x = b.input({1, 3, 8, 8}, DType::I8, 1);
  int32_t a = b.simple(x, "Sigmoid",
                       Unsupported{"has no integer form yet", "take it off the model"}, DType::I8);
  int32_t c = b.slice(a, {0, 0, 0, 7}, {1, 1, 1, -1}, {1, 3, 8, 8});
  b.output(b.conv(c, 4, window({3, 3}, {16, 1}, {1, 1, 1, 1}), DType::I8));
  auto s = schedule::schedule(b.take(), {});
  ASSERT_FALSE(s);
  std::string text = s.error().text();
  EXPECT_NE(text.find("'t0_Sigmoid' (Sigmoid)"), std::string::npos) << text;
  EXPECT_NE(text.find("'t1_Slice' (Slice): error[unsupported-op]: steps backwards"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("'t2_Conv2D' (Conv2D)"), std::string::npos) << text;
}

TEST(UpConv, EveryBorderBiasAndBand) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    Builder b("upconv" + std::to_string(seed), seed);
    int64_t h = b.between(1, 9), w = b.between(1, 12);
    Shape small{b.between(1, 2), b.between(1, 90), h, w};
    Shape skip{small[0], b.between(1, 90), 2 * h + b.between(0, 1), 2 * w + b.between(0, 1)};
    int32_t x = b.input(small, b.i8OrU8(), 1), s = b.input(skip, b.i8OrU8(), 1);
    bool bias = seed % 4 != 0, border = seed % 4 != 1;
    b.output(b.upConv(x, s, b.between(1, 150), b.i8OrU8(), bias, border));
    auto net = b.take();
    schedule::Options options;
    if (seed % 3 == 0)
      options.localBytes = 12 << 10; // bands of rows and columns
    auto outcome = check(net, randomInputs(net, seed), options);
    ASSERT_TRUE(outcome) << "seed " << seed << ": " << outcome.error().text();
    EXPECT_EQ(outcome->difference, "") << "seed " << seed << "\n" << outcome->scheduleText;
  }
}

TEST(Transfer, RowsOfLanesComeAsTheCheapestCommands) {
  std::mt19937 random(7);
  constexpr uint32_t kAddress = 0x140;
  for (int64_t rows : {1, 2, 63, 64})
    for (int64_t width : {2, 9, 64, 4032, 4096, 4100, 49216, 98304, 200001}) {
      SCOPED_TRACE(std::to_string(rows) + " rows of " + std::to_string(width));
      std::vector<uint8_t> bytes(size_t(rows * width));
      for (uint8_t &b : bytes)
        b = uint8_t(random());
      auto packed = codegen::packRows(bytes, rows, width);
      ASSERT_EQ(packed.size(), bytes.size());
      sim::Machine machine;
      ASSERT_TRUE(machine.mapReadOnly(chip::kGlobalBase, packed));
      // What a tensor command pays by the row, from rows that lie one behind another.
      uint64_t cycles = 0, asTensor = 0;
      for (int64_t x = 0; x < width; x += chip::kMaxDim) {
        int64_t w = std::min(chip::kMaxDim, width - x);
        asTensor +=
            cycles::commandCycles(codegen::load({0, 0, 1, {1, rows, 1, w}, {0, width, w, 1}},
                                                DType::I8, {kAddress, w, w, w, 1})
                                      .command);
      }
      auto list = codegen::loadRows(0, 0, rows, width, kAddress);
      EXPECT_LE(list.size(), 2u);
      uint32_t end = kAddress;
      for (const codegen::Instruction &i : list) {
        isa::Command c = i.command; // bound to the buffer's place
        ASSERT_EQ(c.form, isa::Form::DMA_matrix);
        auto d = isa::decode<isa::DMA_matrix>(c);
        isa::setSourceAddress(d, chip::kGlobalBase + i.source.offset);
        c = isa::command(d);
        EXPECT_TRUE(isa::verify(c)) << isa::disassemble(c);
        auto ran = sim::execute(machine, c);
        ASSERT_TRUE(ran) << ran.error().text();
        ASSERT_EQ(i.writes.size(), 1u);
        EXPECT_EQ(i.writes[0].begin, end);
        end = i.writes[0].end;
        cycles += cycles::commandCycles(c);
      }
      EXPECT_EQ(end, kAddress + width);
      EXPECT_LE(cycles, asTensor);
      for (int64_t r = 0; r < rows; ++r)
        EXPECT_TRUE(std::equal(bytes.begin() + r * width, bytes.begin() + (r + 1) * width,
                               machine.lane(r) + kAddress))
            << "lane " << r;
    }
}

TEST(Emit, SameBytesForAnyThreadsAndGroupsBeforeIdsOverflow) {
  auto net = unet(8, 32, 48, 3);
  auto s = schedule::schedule(net, {.localBytes = 8 << 10});
  ASSERT_TRUE(s) << s.error().text();
  setThreadCount(1);
  auto again = schedule::schedule(unet(8, 32, 48, 3), {.localBytes = 8 << 10});
  setThreadCount(0);
  auto one = emit::emit(net, *s), two = emit::emit(net, *again);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(*bmodel::serialize(one->model), *bmodel::serialize(two->model));
  // Few ids a group: the streams fall apart into groups and still give the same outputs.
  auto groups = emit::bind(*s, 50);
  ASSERT_TRUE(groups);
  EXPECT_GT(groups->size(), 2u);
  size_t commands = 0;
  for (auto &g : *groups) {
    EXPECT_LE(std::max(g.tiu.size(), g.gdma.size()), 50u);
    commands += g.tiu.size() + g.gdma.size() - 2;
    EXPECT_TRUE(cycles::timeline(g.tiu, g.gdma));
  }
  EXPECT_EQ(commands, s->program.size());
  auto model = emit::pack(*s, *groups);
  ASSERT_TRUE(model);
  auto session = runtime::Session::create(*model, "groups");
  ASSERT_TRUE(session) << session.error().text();
  auto inputs = randomInputs(net, 1);
  TensorMap feed;
  feed.set(net.tensors[size_t(net.inputs[0])].name, inputs[0]);
  auto got = session->run(feed);
  ASSERT_TRUE(got) << got.error().text();
  Tensor want = interpret(net, inputs)[size_t(net.outputs[0])];
  EXPECT_TRUE(std::ranges::equal(want.bytes(), got->begin()->second.bytes()));
}

} // namespace
} // namespace tessera::conformance
