#include "tessera/calibrate/calibrate.h"

#include "tessera/calibrate/threshold.h"
#include "tessera/support/parallel.h"

#include <cmath>
#include <gmock/gmock.h>

namespace tessera::calibrate {
namespace {

using ::testing::HasSubstr;

const char *kVendorText = R"(# mlir version: v1.30.2-20260831 cali version 1.0
# mlir: u8.mlir
# genetated time: 2026-11-23 00:52:20.650047
# quantization threshold calculation method: ['kl']
# histogram number: 2048
# sample number: 8
###
# tune number: 5
###
# op_name    threshold    min    max
input 1.0000080 0.0000000 1.0000080
/inc/double_conv/Relu_output_0_Relu 11.2092289 -0.0000000 15.5903263
#int4_th
/inc/double_conv/Relu_output_0_Relu 4.5 0 5
)";

TEST(Table, ReadsTheVendorsText) {
  auto t = parseTable(kVendorText, "cali_table");
  ASSERT_TRUE(t) << t.error().text();
  ASSERT_EQ(t->rows.size(), 2u);
  EXPECT_EQ(t->rows[1], (Row{"/inc/double_conv/Relu_output_0_Relu", 11.2092289, 0, 15.5903263}));
  EXPECT_EQ(t->model, "u8.mlir");
  EXPECT_EQ(t->method, "kl");
  EXPECT_EQ(t->samples, 8);
  ASSERT_NE(t->find("input"), nullptr);
  EXPECT_EQ(t->find("nothing"), nullptr);
}

TEST(Table, ReadsEveryTableOfTheVendor) {
  std::filesystem::path cases = std::filesystem::path(TESSERA_SHARED_DIR) / "oracle/cases";
  if (!std::filesystem::exists(cases))
    GTEST_SKIP() << cases << " is absent: the vendor's tables lie outside the project";
  int read = 0;
  for (const auto &folder : std::filesystem::directory_iterator(cases)) {
    if (!std::filesystem::exists(folder.path() / "cali_table"))
      continue;
    auto t = readTable(folder.path() / "cali_table");
    ASSERT_TRUE(t) << t.error().text();
    EXPECT_EQ(t->samples, 8) << folder.path();
    EXPECT_GT(t->rows.size(), 10u);
    // What we write back holds the same rows: seven decimals are all there are.
    auto back = parseTable(tableText(*t), "back");
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(back->rows, t->rows) << folder.path();
    ++read;
  }
  EXPECT_GT(read, 0);
}

TEST(Table, WritesWhatItReads) {
  unsetenv("SOURCE_DATE_EPOCH");
  Table t;
  t.model = "net.mlir";
  t.samples = 3;
  t.rows = {{"a b", 1.5, -0.0, 2}, {"c", 0.25, -1e-12, 0.25}};
  std::string text = tableText(t);
  EXPECT_THAT(text, HasSubstr("# generated time: 1970-01-01 00:00:00\n"));
  EXPECT_THAT(text,
              HasSubstr("\na b 1.5000000 0.0000000 2.0000000\nc 0.2500000 0.0000000 0.2500000\n"));
  auto back = parseTable(text, "t");
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(tableText(*back), text);
  setenv("SOURCE_DATE_EPOCH", "86400", 1);
  EXPECT_THAT(tableText(t), HasSubstr("1970-01-02 00:00:00"));
  unsetenv("SOURCE_DATE_EPOCH");
}

TEST(Table, NamesEveryBadLine) {
  auto t = parseTable("# c\na 1 0 1\nb 1 x 1\na 2 0 2\nc nan 0 1\nd -1 0 1\ne 1 3 2\nonly\n",
                      "cali_table");
  ASSERT_FALSE(t);
  std::string text = t.error().text();
  for (const char *part :
       {"cali_table line 3", "line 4: error[bad-table]: 'a' was already given in line 2", "line 5",
        "line 6: error[bad-table]: threshold -1", "line 7", "line 8"})
    EXPECT_THAT(text, HasSubstr(part));
  EXPECT_EQ(t.error().diagnostics().size(), 6u);
  EXPECT_FALSE(parseTable("# nothing\n", "t"));
}

TEST(Threshold, KlKeepsWhatFitsAndClipsTheTail) {
  std::vector<uint64_t> flat(2048, 100);
  EXPECT_EQ(klThreshold(flat, 4.0, 128), 4.0); // evenly filled: every level is used
  // A bell within an eighth of the range and a few values far out: clipping costs less than
  // coarseness.
  std::vector<uint64_t> tail(2048, 0);
  for (int k = 0; k < 256; ++k)
    tail[k] = uint64_t(100000 * std::exp(-k * k / (2.0 * 60 * 60)));
  tail[2047] = 3;
  double t = klThreshold(tail, 8.0, 128);
  EXPECT_GT(t, 8.0 * 128 / 2048 - 1e-9);
  EXPECT_LT(t, 8.0 * 300 / 2048);
  EXPECT_EQ(klThreshold(std::vector<uint64_t>(2048, 0), 2.0, 128), 2.0);
}

TEST(Threshold, KlEqualsItsDefinition) {
  // The definition of threshold.h bin by bin, against the prefix sums.
  std::vector<uint64_t> h(300);
  for (size_t k = 0; k < h.size(); ++k)
    h[k] =
        (k * 7919 % 13 == 0 ? 0 : 1) * uint64_t(2000.0 * std::exp(-double(k) / 40) + double(k % 3));
  constexpr int64_t kLevels = 16;
  double best = INFINITY;
  size_t bestBins = 0;
  for (size_t i = h.size(); i >= kLevels; --i) {
    std::vector<double> p(i), q(i, 0.0);
    double n = 0, m = 0;
    for (size_t k = 0; k < h.size(); ++k) {
      p[std::min(k, i - 1)] += double(h[k]);
      n += double(h[k]);
      m += k < i ? double(h[k]) : 0;
    }
    for (int64_t j = 0; j < kLevels; ++j) {
      size_t first = j * i / kLevels, end = (j + 1) * i / kLevels, used = 0;
      double sum = 0;
      for (size_t k = first; k < end; ++k) {
        sum += double(h[k]);
        used += h[k] > 0;
      }
      for (size_t k = first; k < end; ++k)
        q[k] = h[k] > 0 ? sum / double(used) : 0;
    }
    double d = 0;
    for (size_t k = 0; k < i; ++k)
      if (p[k] > 0)
        d += q[k] > 0 ? p[k] / n * std::log(p[k] / n / (q[k] / m)) : INFINITY;
    if (d < best - 1e-12) {
      best = d;
      bestBins = i;
    }
  }
  EXPECT_NEAR(klThreshold(h, 300.0, kLevels), double(bestBins), 1e-9);
}

TEST(Threshold, Percentile) {
  std::vector<uint64_t> h(256, 0);
  h[0] = 98;
  h[128] = 1;
  h[255] = 1;
  EXPECT_EQ(percentileThreshold(h, 256.0, 0, 0.5), 1.0);
  EXPECT_EQ(percentileThreshold(h, 256.0, 0, 0.99), 129.0);
  EXPECT_EQ(percentileThreshold(h, 256.0, 0, 1.0), 256.0);
}

ir::Module net() {
  auto m = ir::Module::parse(R"(!t = tensor<1x1x8x64xf32>
module @net attributes {top.state = "TOP_F32"} {
func.func @main(%arg0: !t) -> !t {
  %s = top.Weight : () -> tensor<1xf32> loc("s")
  %0 = top.Input %arg0 : (!t) -> !t loc("input")
  %1 = top.Scale %0, %s, %s : (!t, tensor<1xf32>, tensor<1xf32>) -> !t loc("scaled")
  %2 = top.Relu %1 : (!t) -> !t loc("relu")
  return %2 : !t
}
})",
                             "test");
  EXPECT_TRUE(m) << (m ? "" : m.error().text());
  m->weights.set("s", Tensor::of<float>({1}, std::array{2.f}));
  return std::move(*m);
}

Result<TensorMap> sample(size_t i) {
  Tensor x(DType::F32, {1, 1, 8, 64});
  uint32_t state = uint32_t(i) * 2654435761u + 1;
  for (float &v : x.as<float>()) {
    state = state * 1664525u + 1013904223u;
    v = float(int32_t(state) >> 8) / float(1 << 23);
  }
  x.as<float>()[5] = float(i) - 3.5f;
  TensorMap m;
  m.set("input", x);
  return m;
}

TEST(Calibrate, RowsOfEveryTensorInOrder) {
  auto t = calibrate(net(), 4, sample, {.method = "max"});
  ASSERT_TRUE(t) << t.error().text();
  ASSERT_EQ(t->rows.size(), 3u);
  EXPECT_EQ(t->rows[0].name, "input");
  EXPECT_EQ(t->rows[0].min, -3.5);
  EXPECT_EQ(t->rows[0].threshold, 3.5);
  EXPECT_EQ(t->rows[1].min, -5);
  EXPECT_EQ(t->rows[2].min, 0);
  EXPECT_EQ(t->rows[2].threshold, t->rows[2].max);
  EXPECT_EQ(t->samples, 4);
}

TEST(Calibrate, TheSameTableForAnyNumberOfThreads) {
  std::string texts[3];
  int threads[3] = {1, 2, 5};
  for (int i = 0; i < 3; ++i) {
    setThreadCount(threads[i]);
    auto t = calibrate(net(), 4, sample, {});
    ASSERT_TRUE(t) << t.error().text();
    texts[i] = tableText(*t);
  }
  setThreadCount(0);
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(texts[0], texts[2]);
}

TEST(Calibrate, NamesWhatIsWrong) {
  auto dead = [](size_t) -> Result<TensorMap> {
    TensorMap m;
    Tensor x(DType::F32, {1, 1, 8, 64});
    for (float &v : x.as<float>())
      v = -2;
    m.set("input", x);
    return m;
  };
  auto t = calibrate(net(), 2, dead, {});
  ASSERT_FALSE(t);
  EXPECT_THAT(t.error().text(),
              HasSubstr("tensor 'relu' (top.Relu): error[dead-range]: is zero in all 2 samples"));
  t = calibrate(net(), 2, dead, {.allowDead = true});
  ASSERT_TRUE(t) << t.error().text();
  EXPECT_EQ(t->notes.size(), 1u);
  EXPECT_EQ(t->find("relu")->threshold, 1);

  auto broken = [](size_t i) -> Result<TensorMap> {
    auto m = sample(i);
    if (i == 1)
      m->find("input")->as<float>()[7] = std::numeric_limits<float>::quiet_NaN();
    return m;
  };
  t = calibrate(net(), 3, broken, {});
  ASSERT_FALSE(t);
  EXPECT_THAT(t.error().text(), HasSubstr("'input' (top.Input): error[non-finite]: holds 1 NaN or "
                                          "infinite values, first in sample 1"));

  auto unreadable = [](size_t i) -> Result<TensorMap> {
    if (i != 1)
      return fail("bad-image", "pic" + std::to_string(i), "is broken");
    return sample(i);
  };
  t = calibrate(net(), 3, unreadable, {});
  ASSERT_FALSE(t);
  EXPECT_EQ(t.error().diagnostics().size(), 2u);
  EXPECT_EQ(t.error().diagnostics()[0].where, "pic0");

  t = calibrate(net(), 1, sample, {.method = "maks"});
  ASSERT_FALSE(t);
  EXPECT_THAT(t.error().text(), HasSubstr("did you mean 'max'?"));
  EXPECT_FALSE(calibrate(net(), 0, sample, {}));
}

} // namespace
} // namespace tessera::calibrate

TEST(KlThreshold, KeepsANarrowBandFarFromZero) {
  // A logit that hardly varies: nearly all values between 0.8 and 1 of the largest.
  std::vector<uint64_t> histogram(2048, 0);
  histogram[900] = 3;
  for (int64_t k = 1640; k < 2048; ++k)
    histogram[k] = 100;
  double threshold = tessera::calibrate::klThreshold(histogram, 1.0, 128);
  EXPECT_GE(threshold, 0.99) << "at most 0.1 % of the values may be clipped";
}
