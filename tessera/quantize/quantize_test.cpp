#include "tessera/quantize/lowering.h"

#include "tessera/support/file.h"
#include "tessera/support/testing.h"
#include "tessera/tensor/npz.h"

#include <fstream>
#include <gmock/gmock.h>

using namespace tessera;
using testing::HasSubstr;
namespace fs = std::filesystem;

namespace {

/// A top module from text; weights are written beside it first.
ir::Module moduleOf(const std::string &body, const TensorMap &weights) {
  ScratchFolder dir;
  EXPECT_TRUE(writeNpz(dir / "w.npz", weights));
  EXPECT_TRUE(writeText(dir / "m.mlir", "module @m attributes {top.state = \"TOP_F32\", "
                                        "top.weight_file = \"w.npz\"} {\n" +
                                            body + "\n}\n"));
  auto m = ir::Module::load(dir / "m.mlir");
  EXPECT_TRUE(m) << (m ? "" : m.error().text());
  return m ? std::move(*m) : ir::Module::create("m", ir::kTopState);
}

const char *kConvNet = R"(
func.func @main(%arg0: tensor<1x3x8x8xf32>) -> tensor<1x2x8x8xf32> {
  %0 = top.Input %arg0 {id = 0 : i64} : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32> loc("input")
  %w = top.Weight : () -> tensor<2x3x3x3xf32> loc("w")
  %b = top.Weight : () -> tensor<2xf32> loc("b")
  %1 = top.Conv %0, %w, %b {id = 1 : i64, kernel_shape = array<i64: 3, 3>, strides = array<i64: 1, 1>,
    pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, do_relu = true}
    : (tensor<1x3x8x8xf32>, tensor<2x3x3x3xf32>, tensor<2xf32>) -> tensor<1x2x8x8xf32> loc("conv")
  return %1 : tensor<1x2x8x8xf32>
})";

TensorMap convWeights() {
  TensorMap w;
  Tensor filter(DType::F32, {2, 3, 3, 3});
  for (int64_t i = 0; i < filter.count(); ++i)
    filter.as<float>()[i] = static_cast<float>((i * 37 % 41) - 20) / 20;
  w.set("w", filter);
  w.set("b", Tensor::of<float>({2}, std::vector<float>{0.5f, -3.0f}));
  return w;
}

} // namespace

TEST(Quantize, ConvolutionGetsIntegersOfTheDocumentedScheme) {
  ir::Module top = moduleOf(kConvNet, convWeights());
  quantize::Thresholds t{{"input", {1.0, 0, 1}}, {"conv", {5.1, 0, 6}}};
  auto q = quantize::quantize(top, t, {}, "m.mlir");
  ASSERT_TRUE(q) << q.error().text();
  tpu::Conv2DOp conv;
  std::vector<std::string> names;
  q->module.main().walk([&](mlir::Operation *op) {
    if (auto c = llvm::dyn_cast<tpu::Conv2DOp>(op))
      conv = c;
    if (!ir::nameOf(op).empty())
      names.push_back(ir::nameOf(op));
  });
  ASSERT_TRUE(conv);
  EXPECT_EQ(ir::dtypeOf(conv.getResult()), DType::U8) << "ReLU is the unsigned result";
  EXPECT_DOUBLE_EQ(ir::scaleOf(conv.getResult()), 5.1 / 255);
  EXPECT_THAT(names, testing::ElementsAre("input", "input_ui8", "conv_filter_i8", "conv_bias_int32",
                                          "conv", "conv_f32"));
  // Channel 0: largest |w| is 1.0, so the weight scale is 1/127 and the factor
  // (1/127)(1/255)/(5.1/255).
  double factor = (1.0 / 127) / 5.1;
  double got = std::ldexp(conv.getMultiplier()[0], -conv.getRshift()[0]);
  EXPECT_NEAR(got / factor, 1.0, 1e-6);
  const Tensor *filter = q->module.weights.find("conv_filter_i8");
  EXPECT_EQ(filter->as<int8_t>()[0], -127);
  // round(0.5 * 127 * 255) and round(-3 * 127 * 255), weight scales being 1/127 in both channels.
  const Tensor *bias = q->module.weights.find("conv_bias_int32");
  EXPECT_EQ(bias->as<int32_t>()[0], 16193);
  EXPECT_EQ(bias->as<int32_t>()[1], -97155);
  EXPECT_EQ(ir::originOf(conv), std::vector<int64_t>{1});
}

TEST(Quantize, MissingThresholdsAreAllNamed) {
  ir::Module top = moduleOf(kConvNet, convWeights());
  auto q = quantize::quantize(top, {{"something", {1, 0, 1}}}, {}, "m.mlir");
  ASSERT_FALSE(q);
  EXPECT_THAT(q.error().text(), HasSubstr("tensor 'input'"));
  EXPECT_THAT(q.error().text(), HasSubstr("tensor 'conv'"));
}

TEST(Quantize, DeadThresholdIsRefused) {
  ir::Module top = moduleOf(kConvNet, convWeights());
  auto q = quantize::quantize(top, {{"input", {1, 0, 1}}, {"conv", {0, 0, 0}}}, {}, "m.mlir");
  ASSERT_FALSE(q);
  EXPECT_THAT(q.error().text(), HasSubstr("must be positive"));
}

TEST(Quantize, TableOfAnotherReluIsRefused) {
  ir::Module top = moduleOf(kConvNet, convWeights());
  auto q = quantize::quantize(top, {{"input", {1, 0, 1}}, {"conv", {5, -5, 5}}}, {}, "m.mlir");
  ASSERT_FALSE(q);
  EXPECT_THAT(q.error().text(), HasSubstr("negative minimum"));
}

TEST(Quantize, FloatModeKeepsEveryOp) {
  ir::Module top = moduleOf(kConvNet, convWeights());
  auto q = quantize::quantize(top, {}, {"F32", "bm1684x"}, "m.mlir");
  ASSERT_TRUE(q) << q.error().text();
  int convs = 0;
  q->module.main().walk([&](tpu::Conv2DOp op) {
    ++convs;
    EXPECT_TRUE(op.getMultiplier().empty());
    EXPECT_TRUE(op.getDoRelu());
  });
  EXPECT_EQ(convs, 1);
}

TEST(Quantize, HalvesAreRoundedFiltersBetweenCasts) {
  for (auto [mode, type, rounded] : {std::tuple("F16", DType::F16, 0.85009765625f),
                                     std::tuple("BF16", DType::BF16, 0.8515625f)}) {
    ir::Module top = moduleOf(kConvNet, convWeights());
    auto q = quantize::quantize(top, {}, {mode, "bm1684x"}, "m.mlir");
    ASSERT_TRUE(q) << q.error().text();
    std::vector<std::string> names;
    q->module.main().walk([&](mlir::Operation *op) {
      if (!ir::nameOf(op).empty())
        names.push_back(ir::nameOf(op));
    });
    std::string low = dtypeName(type);
    EXPECT_THAT(names, testing::ElementsAre("input", "input_" + low, "conv_filter_" + low,
                                            "conv_bias_f32", "conv", "conv_f32"));
    q->module.main().walk([&](tpu::Conv2DOp op) { EXPECT_EQ(ir::dtypeOf(op.getResult()), type); });
    // 0.85, the second cell.
    EXPECT_EQ(q->module.weights.find("conv_filter_" + low)->as<float>()[1], rounded);
  }
}

TEST(Quantize, FloatsKeepPaddingValuesAsTheyAre) {
  std::string text = kConvNet;
  text.insert(text.find("do_relu"), "pad_value = array<f64: 2.0, 2.3, -1.0>, ");
  ir::Module top = moduleOf(text, convWeights());
  auto q = quantize::quantize(top, {}, {"BF16", "bm1684x"}, "m.mlir");
  ASSERT_TRUE(q) << q.error().text();
  int convs = 0;
  q->module.main().walk([&](tpu::Conv2DOp op) {
    ++convs;
    ASSERT_TRUE(op.getPadValue());
    EXPECT_THAT(*op.getPadValue(), testing::ElementsAre(2.0, 2.3, -1.0));
    EXPECT_THAT(op.getPads(), testing::ElementsAre(1, 1, 1, 1));
  });
  EXPECT_EQ(convs, 1);
}

TEST(Quantize, SigmoidBecomesATable) {
  ir::Module top = moduleOf(R"(
func.func @main(%arg0: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %0 = top.Input %arg0 : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> loc("input")
  %1 = top.Sigmoid %0 : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> loc("sig")
  return %1 : tensor<1x1x4x4xf32>
})",
                            {});
  auto q = quantize::quantize(top, {{"input", {6.35, -6, 6}}, {"sig", {1, 0, 1}}}, {}, "m.mlir");
  ASSERT_TRUE(q) << q.error().text();
  int tables = 0;
  q->module.main().walk([&](tpu::LutOp op) {
    ++tables;
    auto table = op.getTable(); // of bytes: input 0.05 a step and signed, result 1/255 a step
    EXPECT_EQ(table[0], 128);   // 127.5, half away from zero
    EXPECT_EQ(table[20], 186);  // sigmoid(1) = 0.73106
    EXPECT_EQ(table[256 - 20], 69);
    EXPECT_EQ(table[127], 255);
    EXPECT_EQ(table[128], 0);
  });
  EXPECT_EQ(tables, 1);
}
TEST(Quantize, UnsupportedOpsAreRefusedByName) {
  TensorMap w;
  w.set("c", Tensor::of<float>({1}, std::vector<float>{0}));
  ir::Module top = moduleOf(R"(
func.func @main(%arg0: tensor<1x40x4x4xf32>) -> tensor<1x40x4x4xf32> {
  %0 = top.Input %arg0 : (tensor<1x40x4x4xf32>) -> tensor<1x40x4x4xf32> loc("input")
  %c = top.Weight : () -> tensor<1xf32> loc("c")
  %1 = top.Div %0, %c : (tensor<1x40x4x4xf32>, tensor<1xf32>) -> tensor<1x40x4x4xf32> loc("ratio")
  %2 = top.Div %0, %c : (tensor<1x40x4x4xf32>, tensor<1xf32>) -> tensor<1x40x4x4xf32> loc("other")
  %3 = top.Add %1, %2 : (tensor<1x40x4x4xf32>, tensor<1x40x4x4xf32>) -> tensor<1x40x4x4xf32> loc("sum")
  return %3 : tensor<1x40x4x4xf32>
})",
                            w);
  auto q = quantize::quantize(top, {{"input", {1, 0, 1}}, {"sum", {1, 0, 1}}}, {}, "m.mlir");
  ASSERT_FALSE(q);
  EXPECT_EQ(q.error().diagnostics().size(), 2u) << q.error().text();
  EXPECT_THAT(q.error().text(), HasSubstr("'ratio' (top.Div)"));
  EXPECT_THAT(q.error().text(), HasSubstr("'other' (top.Div)"));
}

TEST(Quantize, ScalesTooFarApartAreRefusedWhereTheSumWouldOverflow) {
  ir::Module top = moduleOf(R"(
func.func @main(%arg0: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %0 = top.Input %arg0 : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> loc("input")
  %1 = top.Sigmoid %0 : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> loc("sig")
  %2 = top.Add %0, %1 : (tensor<1x1x4x4xf32>, tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> loc("sum")
  return %2 : tensor<1x1x4x4xf32>
})",
                            {});
  auto with = [&](double input, double sum) {
    return quantize::quantize(
        top, {{"input", {input, 0, input}}, {"sig", {1, 0, 1}}, {"sum", {sum, 0, sum}}}, {},
        "m.mlir");
  };
  EXPECT_TRUE(with(1e-12, 1)); // adds nothing
  auto far = with(1000, 1);
  ASSERT_FALSE(far);
  EXPECT_THAT(far.error().text(), HasSubstr("'sum' (top.Add)"));
  EXPECT_THAT(far.error().text(), HasSubstr("scales are too far apart: 'input_ui8'"));
}

TEST(Quantize, ComparisonsBecomeWholeThresholds) {
  struct Case {
    const char *mode;
    double constant;
    const char *expectedMode;
    double expected; ///< with scale 2/255 on u8
  };
  double s = 2.0 / 255;
  for (const Case &c :
       {Case{"Greater", 0, "Greater", 0}, Case{"Greater", 10.5 * s, "Greater", 10},
        Case{"GreaterOrEqual", 10.5 * s, "Greater", 10}, Case{"Less", 10.5 * s, "Less", 11},
        Case{"LessOrEqual", 10.5 * s, "Less", 11}}) {
    TensorMap w;
    w.set("c", Tensor::of<float>({1}, std::vector<float>{static_cast<float>(c.constant)}));
    ir::Module top = moduleOf(
        std::string(R"(
func.func @main(%arg0: tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> {
  %0 = top.Input %arg0 : (tensor<1x1x4x4xf32>) -> tensor<1x1x4x4xf32> loc("input")
  %c = top.Weight : () -> tensor<1xf32> loc("c")
  %1 = top.Compare %0, %c {mode = ")") +
            c.mode + R"("} : (tensor<1x1x4x4xf32>, tensor<1xf32>) -> tensor<1x1x4x4xf32> loc("cmp")
  return %1 : tensor<1x1x4x4xf32>
})",
        w);
    auto q = quantize::quantize(top, {{"input", {2, 0, 2}}}, {}, "m.mlir");
    ASSERT_TRUE(q) << q.error().text();
    q->module.main().walk([&](tpu::CompareOp op) {
      EXPECT_EQ(op.getMode(), c.expectedMode);
      EXPECT_EQ(op.getThreshold().convertToDouble(), c.expected) << c.mode;
    });
  }
}
