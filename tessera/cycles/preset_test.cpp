#include "tessera/cycles/fit.h"
#include "tessera/cycles/testing.h"
#include <gmock/gmock.h>
#include <random>

namespace tessera::cycles {
namespace {

using namespace isa;
using ::testing::HasSubstr;

Command conv(uint64_t h, uint64_t w, uint64_t oc = 64) {
  sCONV f;
  f.res0_n = 1, f.res0_c = oc, f.res0_h = h, f.res0_w = w;
  f.opd0_c = 64, f.opd1_h = f.opd1_w = 3;
  f.opd0_h = h, f.opd0_w = w;
  f.res0_prec = 4;
  return command(f);
}
const Preset &vendor() { return presets().front(); }
Preset with(Kind k, Cost c) {
  Preset p = vendor();
  p.costs[size_t(k)] = c;
  return p;
}

TEST(Preset, TextGivesTheSameBack) {
  ASSERT_EQ(presets().size(), 1u);
  EXPECT_EQ(vendor().name, "tpu-mlir-1.30.2");
  EXPECT_EQ(inForce(), vendor());
  for (const Preset &p : {vendor(), with(Kind::TensorLoad, {{5, 2}, {15625, 611304}})}) {
    auto back = parsePreset(presetText(p), "text");
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(*back, p);
  }
  auto missing = preset("tpu-mlir");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().text(), HasSubstr("presets: tpu-mlir-1.30.2"));
}

TEST(Preset, DamageIsLocated) {
  auto refused = [](const std::string &from, const std::string &to, const std::string &says) {
    std::string text = presetText(vendor());
    size_t at = text.find(from);
    ASSERT_NE(at, text.npos) << from;
    text.replace(at, from.size(), to);
    auto p = parsePreset(text, "p.json");
    ASSERT_FALSE(p) << to;
    EXPECT_THAT(p.error().text(), HasSubstr(says));
  };
  refused("\"lanes\": 64", "\"lanes\": 0", "p.json: lanes: error[bad-preset]: is no whole number");
  refused("\"lanes\": 64", "\"lanes\": 6.5", "p.json: lanes: ");
  refused("\"lanes\"", "\"lane\"", "p.json: lanes: error[bad-preset]: is missing");
  refused("\"lanes\"", "\"lane\"",
          "p.json: lane: error[bad-preset]: is no member of a preset; did");
  refused("\"PorD\"", "\"Pord\"", "p.json: costs.PorD: error[bad-preset]: is missing");
  refused("{\"bytes_per_cycle\":58}", "{\"bytes_per_cycle\":0}",
          "p.json: costs.GDMA.matrix_load.bytes_per_cycle: error[bad-preset]");
  refused("{\"cycles_per_step\":3}", "{\"cycles_per_step\":\"3/0\"}", "costs.PorD.strided.cycles");
  refused("{\"cycles_per_step\":3}", "{\"cycles_per_step\":3,\"start\":1}",
          "costs.PorD.strided.start: error[bad-preset]: is no member");
  refused("{", "[", "is no JSON object");
}

TEST(Preset, GarbageIsRefusedOrMeansSomething) {
  uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::string text = presetText(vendor());
  for (int i = 0; i < 3000; ++i) {
    std::string broken = text;
    for (int k = 0; k < 3; ++k)
      broken[random() % broken.size()] = "0123456789/.\"{}:,ae-"[random() % 21];
    auto p = parsePreset(broken, "p.json");
    if (!p) {
      EXPECT_THAT(p.error().text(), HasSubstr("p.json"));
      continue;
    }
    EXPECT_GE(commandCycles(conv(8, 8), *p), 1u);
    EXPECT_EQ(*parsePreset(presetText(*p), "again"), *p);
  }
}

TEST(Preset, PricesFollowIt) {
  EXPECT_EQ(commandCycles(conv(8, 8)), 9u * 16);
  EXPECT_EQ(commandCycles(conv(8, 8), with(Kind::ConvInt8, {{7, 2}, {3, 2}})), 219u); // 3.5 + 216
  Preset wide = vendor();
  wide.lanes = 128;
  EXPECT_EQ(commandCycles(conv(8, 8, 128)), 2u * 9 * 16);
  EXPECT_EQ(commandCycles(conv(8, 8, 128), wide), 9u * 16);
  // 64 runs of 256 bytes at 2 bytes a cycle and 10 cycles before.
  EXPECT_EQ(commandCycles(loadCommand(64, 256), with(Kind::TensorLoad, {{10, 1}, {1, 2}})),
            10u + 8192);
}

TEST(Preset, WhatIfChangesNamedConstants) {
  auto p = changed(vendor(), {"bandwidth=2", "lanes=128"});
  ASSERT_TRUE(p) << p.error().text();
  EXPECT_EQ(p->lanes, 128u);
  EXPECT_EQ(p->cost(Kind::MatrixLoad).perUnit, (Fraction{1, 116}));
  EXPECT_EQ(p->dramBytesPerSecond, 2 * vendor().dramBytesPerSecond);
  EXPECT_EQ(p->exact, "nothing: it is tpu-mlir-1.30.2 with bandwidth=2, lanes=128");
  // Half the clock: the memory moves twice the bytes in a cycle, the cube keeps its steps.
  auto slow = changed(vendor(), {"clock_hz=500000000"});
  ASSERT_TRUE(slow);
  EXPECT_EQ(slow->cost(Kind::MatrixLoad).perUnit, (Fraction{1, 116}));
  EXPECT_EQ(slow->cost(Kind::ConvInt8), vendor().cost(Kind::ConvInt8));
  EXPECT_DOUBLE_EQ(slow->milliseconds(1000), 2e-3);
  auto one = changed(vendor(), {"GDMA.tensor_load.bytes_per_cycle=60.5", "RQDQ.start_cycles=40"});
  ASSERT_TRUE(one) << one.error().text();
  EXPECT_EQ(one->cost(Kind::TensorLoad).perUnit, (Fraction{2, 121}));
  EXPECT_EQ(one->cost(Kind::Requantize).start, (Fraction{40, 1}));
  for (const char *bad : {"lanes", "lanes=", "lanes=0", "lanes=-1", "lane=2", "lanes=1.5",
                          "bandwidth=0", "RQDQ.bytes_per_cycle=1"})
    EXPECT_FALSE(changed(vendor(), {bad})) << bad;
}

std::vector<Sample> measured(const std::vector<Command> &commands, const Preset &truth,
                             double scatter = 0) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> noise(-scatter, scatter);
  std::vector<Sample> samples;
  for (const Command &c : commands) {
    double cycles = double(commandCycles(c, truth)) * (1 + noise(random));
    samples.push_back({c, uint64_t(cycles), "row " + std::to_string(samples.size())});
  }
  return samples;
}
std::vector<Command> convs() {
  std::vector<Command> list;
  for (uint64_t h = 3; h < 40; h += 3)
    list.push_back(conv(h, 2 * h));
  return list;
}
std::vector<Command> loads() {
  std::vector<Command> list;
  for (uint64_t w = 100; w < 60000; w = w * 3 / 2)
    list.push_back(loadCommand(16, w));
  return list;
}

TEST(Fit, FindsTheConstantsThatMadeTheNumbers) {
  Preset truth = with(Kind::ConvInt8, {{250, 1}, {5, 4}});
  truth.costs[size_t(Kind::TensorLoad)] = {{90, 1}, {2, 75}}; // 37.5 bytes a cycle
  auto samples = measured(convs(), truth);
  auto more = measured(loads(), truth);
  samples.insert(samples.end(), more.begin(), more.end());
  auto f = fit(samples, vendor(), {});
  ASSERT_TRUE(f) << f.error().text();
  ASSERT_EQ(f->kinds.size(), 2u);
  for (const KindFit &k : f->kinds) {
    EXPECT_EQ(k.how, KindFit::How::Exact) << kindName(k.kind);
    EXPECT_EQ(k.exact, k.rows);
    EXPECT_EQ(k.rms, 0);
  }
  EXPECT_EQ(f->preset.costs, truth.costs);
  // What is exact already stays, whatever simpler numbers would do as well.
  auto same = fit(measured(loads(), vendor()), vendor(), {});
  ASSERT_TRUE(same);
  EXPECT_EQ(same->preset, vendor());
  EXPECT_EQ(same->kinds.at(0).how, KindFit::How::Kept);
}

TEST(Fit, LeastSquaresWhereNumbersScatter) {
  Preset truth = with(Kind::TensorLoad, {{300, 1}, {1, 40}});
  auto samples = measured(loads(), truth, 0.02);
  auto f = fit(samples, vendor(), {});
  ASSERT_TRUE(f) << f.error().text();
  const KindFit &k = f->kinds.at(0);
  EXPECT_EQ(k.how, KindFit::How::LeastSquares);
  EXPECT_NEAR(1 / f->preset.cost(Kind::TensorLoad).perUnit.value(), 40, 1);
  EXPECT_GT(k.rms, 0);
  // The residuals are those of the preset as it is written.
  double squares = 0;
  for (const Sample &s : samples) {
    double off = double(s.cycles) - double(commandCycles(s.command, f->preset));
    squares += off * off;
    EXPECT_LE(std::abs(off), std::abs(double(k.worst)));
  }
  EXPECT_NEAR(k.rms, std::sqrt(squares / double(samples.size())), 1e-6 * k.rms);
  auto kept = fit(samples, vendor(), {Kind::TensorLoad});
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->preset, vendor());
  EXPECT_NE(kept->kinds.at(0).worst, 0);
}

TEST(Fit, RefusesWhatItCannotTell) {
  Preset truth = with(Kind::ConvInt8, {{250, 1}, {5, 4}});
  std::vector<Command> one(4, conv(8, 8));
  auto f = fit(measured(one, truth), vendor(), {});
  ASSERT_FALSE(f);
  EXPECT_THAT(f.error().text(),
              HasSubstr("row 0: error[not-identified]: CONV.int8: 4 measured commands, all of one "
                        "size"));
  EXPECT_TRUE(fit(measured(one, truth), vendor(), {Kind::ConvInt8}));
  EXPECT_TRUE(fit(measured(one, vendor()), vendor(), {}));
  // Cycles that have nothing to do with size.
  auto samples = measured(loads(), vendor());
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i].cycles = i % 2 ? 500 : 5000;
  auto noise = fit(samples, vendor(), {});
  ASSERT_FALSE(noise);
  EXPECT_THAT(noise.error().text(), HasSubstr("do not grow with size"));
}

} // namespace
} // namespace tessera::cycles
