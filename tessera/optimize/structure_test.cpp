// What each pass does to the text of small networks. That results stay equal is equality_test's
// job.
#include "tessera/optimize/test_network.h"

#include <gmock/gmock.h>

namespace tessera::optimize {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kImage = "tensor<1x3x8x10xf32>";
const std::string kInput =
    "%in = top.Input %arg0 : (tensor<1x3x8x10xf32>) -> tensor<1x3x8x10xf32> loc(\"input\")\n";
const std::string kConvWeights = "%w = top.Weight : () -> tensor<4x3x3x3xf32> loc(\"w\")\n"
                                 "%b = top.Weight : () -> tensor<4xf32> loc(\"b\")\n";
const std::string kConvOf = "{kernel_shape = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = "
                            "array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : "
                            "(tensor<1x3x8x10xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> "
                            "tensor<1x4x8x10xf32>";
const std::string kFeature = "tensor<1x4x8x10xf32>";

std::string conv(const std::string &result, const std::string &input, const std::string &name) {
  return "%" + result + " = top.Conv %" + input + ", %w, %b " + kConvOf + " loc(\"" + name +
         "\")\n";
}
TEST(FuseRelu, TakesTheLastNameAndBothOrigins) {
  auto m = network(kImage, kFeature,
                   kInput + kConvWeights + conv("c", "in", "c_Conv") +
                       "%r = top.Relu %c : (tensor<1x4x8x10xf32>) -> tensor<1x4x8x10xf32> "
                       "loc(\"r_Relu\")\nreturn %r : tensor<1x4x8x10xf32>");
  optimized(m);
  EXPECT_EQ(opsOf(m), "Input Conv(relu)");
  mlir::Operation *op = opNamed(m, "r_Relu");
  ASSERT_TRUE(op);
  EXPECT_THAT(ir::originOf(op), ElementsAre(103, 104)); // input w b conv relu = 100..104
  EXPECT_EQ(ir::idOf(op), 3);
}

TEST(FuseRelu, StaysBehindAResultWithOtherReaders) {
  auto m = network(kImage, kFeature + ", " + kFeature,
                   kInput + kConvWeights + conv("c", "in", "c") +
                       "%r = top.Relu %c : (tensor<1x4x8x10xf32>) -> tensor<1x4x8x10xf32> "
                       "loc(\"r\")\nreturn %r, %c : tensor<1x4x8x10xf32>, tensor<1x4x8x10xf32>");
  optimized(m);
  EXPECT_EQ(opsOf(m), "Input Conv Relu");
}

TEST(FuseRelu, ClipWithoutUpperBoundIsAReluAndClipSixIsNot) {
  auto clip = [](const std::string &max) {
    return "%r = top.Clip %c {min = 0.0 : f64, max = " + max +
           " : f64} : (tensor<1x4x8x10xf32>) -> tensor<1x4x8x10xf32> loc(\"r\")\nreturn %r : "
           "tensor<1x4x8x10xf32>";
  };
  for (const char *unbounded : {"0x7FF0000000000000", "3.4028234663852886e+38"}) {
    auto m =
        network(kImage, kFeature, kInput + kConvWeights + conv("c", "in", "c") + clip(unbounded));
    optimized(m);
    EXPECT_EQ(opsOf(m), "Input Conv(relu)") << unbounded;
  }
  auto m = network(kImage, kFeature, kInput + kConvWeights + conv("c", "in", "c") + clip("6.0"));
  optimized(m);
  EXPECT_EQ(opsOf(m), "Input Conv Clip");
}

TEST(FoldBatchNorm, WeightsAreFoldedInDoubleUnderNewNames) {
  const std::string body =
      kInput + kConvWeights + conv("c", "in", "c") +
      "%m = top.Weight : () -> tensor<4xf32> loc(\"mean\")\n"
      "%v = top.Weight : () -> tensor<4xf32> loc(\"var\")\n"
      "%g = top.Weight : () -> tensor<4xf32> loc(\"gamma\")\n"
      "%e = top.Weight : () -> tensor<4xf32> loc(\"beta\")\n"
      "%n = top.BatchNorm %c, %m, %v, %g, %e {epsilon = 1.0 : f64} : (tensor<1x4x8x10xf32>, "
      "tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x8x10xf32> "
      "loc(\"bn\")\n"
      "%r = top.Relu %n : (tensor<1x4x8x10xf32>) -> tensor<1x4x8x10xf32> loc(\"relu\")\n"
      "return %r : tensor<1x4x8x10xf32>";
  auto m = network(kImage, kFeature, body);
  setWeight(m, "mean", {1, 2, 3, 4});
  setWeight(m, "var", {3, 0, 8, 15});
  setWeight(m, "gamma", {2, -1, 3, 4});
  setWeight(m, "beta", {0, 1, 2, 3});
  setWeight(m, "b", {1, 1, 1, 1});
  Tensor before = m.weights.find("w")->clone();
  optimized(m);
  EXPECT_EQ(opsOf(m), "Input Conv(relu)");
  ASSERT_TRUE(opNamed(m, "relu"));
  EXPECT_THAT(ir::originOf(opNamed(m, "relu")), ElementsAre(103, 108, 109));
  EXPECT_EQ(m.weights.size(), 2u);
  ASSERT_TRUE(m.weights.contains("bn_filter"));
  ASSERT_TRUE(m.weights.contains("bn_bias"));
  // scale = gamma / sqrt(var + 1) = 1, -1, 1, 1; bias = (1 - mean) * scale + beta
  EXPECT_THAT(toDouble(*m.weights.find("bn_bias")), ElementsAre(0, 2, 0, 0));
  auto w = m.weights.find("bn_filter")->as<float>(), old = before.as<float>();
  for (int o = 0; o < 4; ++o)
    for (int i = 0; i < 27; ++i)
      EXPECT_EQ(w[o * 27 + i], (o == 1 ? -1.0f : 1.0f) * old[o * 27 + i]);
}

TEST(FoldBatchNorm, StandsAloneAsScale) {
  auto m = network(
      kImage, kImage,
      kInput + "%r = top.Relu %in : (tensor<1x3x8x10xf32>) -> tensor<1x3x8x10xf32> loc(\"relu\")\n"
               "%m = top.Weight : () -> tensor<3xf32> loc(\"mean\")\n"
               "%n = top.BatchNorm %r, %m, %m, %m, %m {epsilon = 3.0 : f64} : "
               "(tensor<1x3x8x10xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, "
               "tensor<3xf32>) -> tensor<1x3x8x10xf32> loc(\"bn\")\n"
               "return %n : tensor<1x3x8x10xf32>");
  setWeight(m, "mean", {1, 6, 13});
  optimized(m);
  EXPECT_EQ(opsOf(m), "Input Relu Scale");
  EXPECT_THAT(toDouble(*m.weights.find("bn_scale")), ElementsAre(0.5, 2, 3.25));
  EXPECT_THAT(toDouble(*m.weights.find("bn_bias")), ElementsAre(0.5, -6, 13 - 13 * 3.25));
}

TEST(FoldBatchNorm, StaysWhereTheConvolutionIsReadTwice) {
  auto m = network(kImage, kFeature + ", " + kFeature,
                   kInput + kConvWeights + conv("c", "in", "c") +
                       "%k = top.Weight : () -> tensor<1x4x1x1xf32> loc(\"k\")\n"
                       "%s = top.Mul %c, %k : (tensor<1x4x8x10xf32>, tensor<1x4x1x1xf32>) -> "
                       "tensor<1x4x8x10xf32> loc(\"s\")\n"
                       "return %c, %s : tensor<1x4x8x10xf32>, tensor<1x4x8x10xf32>");
  optimized(m);
  EXPECT_EQ(opsOf(m), "Input Conv Mul");
}

TEST(RemoveNoops, LeavesNothingOfAChainOfThem) {
  auto m = network(
      kImage, kFeature,
      kInput +
          "%p = top.Pad %in {paddings = array<i64: 0, 0, 0, 0, 0, 0, 0, 0>} : "
          "(tensor<1x3x8x10xf32>) -> tensor<1x3x8x10xf32> loc(\"p\")\n"
          "%s = top.Slice %p {offset = array<i64: 0, 0, 0, 0>, steps = array<i64: 1, 1, 1, 1>, "
          "sizes = array<i64: 1, 3, 8, 10>} : (tensor<1x3x8x10xf32>) -> tensor<1x3x8x10xf32> "
          "loc(\"s\")\n"
          "%t = top.Cast %s {to = \"f32\"} : (tensor<1x3x8x10xf32>) -> tensor<1x3x8x10xf32> "
          "loc(\"t\")\n"
          "%a = top.Permute %t {order = array<i64: 0, 2, 3, 1>} : (tensor<1x3x8x10xf32>) -> "
          "tensor<1x8x10x3xf32> loc(\"a\")\n"
          "%d = top.Permute %a {order = array<i64: 0, 3, 1, 2>} : (tensor<1x8x10x3xf32>) -> "
          "tensor<1x3x8x10xf32> loc(\"d\")\n" +
          kConvWeights + conv("c", "d", "c") +
          "%o = top.Reshape %c {shape = array<i64: 1, 4, 8, 10>} : (tensor<1x4x8x10xf32>) -> "
          "tensor<1x4x8x10xf32> loc(\"out\")\n"
          "return %o : tensor<1x4x8x10xf32>");
  optimized(m);
  EXPECT_EQ(opsOf(m), "Input Conv");
  EXPECT_TRUE(opNamed(m, "out")) << m.text(); // an output keeps its name
}

TEST(RemoveNoops, KeepsWhatConvertsAndWhatNamesAnOutput) {
  auto m = network(kImage, kImage + ", " + kImage,
                   kInput + "%t = top.Cast %in {to = \"u8\"} : (tensor<1x3x8x10xf32>) -> "
                            "tensor<1x3x8x10xf32> loc(\"t\")\n"
                            "%i = top.Cast %t {to = \"i64\"} : (tensor<1x3x8x10xf32>) -> "
                            "tensor<1x3x8x10xf32> loc(\"i\")\n"
                            "%x = top.Cast %in {to = \"f32\"} : (tensor<1x3x8x10xf32>) -> "
                            "tensor<1x3x8x10xf32> loc(\"x\")\n"
                            "return %i, %x : tensor<1x3x8x10xf32>, tensor<1x3x8x10xf32>");
  optimized(m);
  EXPECT_EQ(opsOf(m), "Input Cast Cast");
  EXPECT_TRUE(opNamed(m, "i")) << m.text(); // u8 values fit i64: one Cast, the output's name
  EXPECT_TRUE(opNamed(m, "x")) << m.text(); // an input cannot be renamed
}

TEST(MergeSlices, TwoCropsAreOne) {
  auto m =
      network(kImage, "tensor<1x3x2x4xf32>",
              kInput + "%s = top.Slice %in {offset = array<i64: 0, 0, 6, 0>, steps = array<i64: 1, "
                       "1, -2, 1>, sizes = array<i64: 1, 3, 3, 10>} : (tensor<1x3x8x10xf32>) -> "
                       "tensor<1x3x3x10xf32> loc(\"s\")\n"
                       "%t = top.Slice %s {offset = array<i64: 0, 0, 1, 1>, steps = array<i64: 1, "
                       "1, 1, 2>, sizes = array<i64: 1, 3, 2, 4>} : (tensor<1x3x3x10xf32>) -> "
                       "tensor<1x3x2x4xf32> loc(\"t\")\n"
                       "return %t : tensor<1x3x2x4xf32>");
  optimized(m);
  EXPECT_EQ(opsOf(m), "Input Slice");
  auto slice = llvm::cast<top::SliceOp>(opNamed(m, "t"));
  EXPECT_THAT(slice.getOffset(), ElementsAre(0, 0, 4, 1));
  EXPECT_THAT(slice.getSteps(), ElementsAre(1, 1, -2, 2));
  EXPECT_THAT(ir::originOf(slice), ElementsAre(101, 102));
}

TEST(FoldPad, IntoAConvWithoutPadsAlsoWithAValue) {
  for (double value : {0.0, 2.5}) {
    auto m = network(
        kImage, "tensor<1x4x9x11xf32>",
        kInput + kConvWeights +
            "%p = top.Pad %in {paddings = array<i64: 0, 0, 2, 0, 0, 0, 1, 3>, val = " +
            std::to_string(value) +
            " : f64} : (tensor<1x3x8x10xf32>) -> tensor<1x3x11x13xf32> loc(\"p\")\n"
            "%c = top.Conv %p, %w, %b {kernel_shape = array<i64: 3, 3>, strides = array<i64: 1, "
            "1>, pads "
            "= array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x3x11x13xf32>, "
            "tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x9x11xf32> loc(\"c\")\n"
            "return %c : tensor<1x4x9x11xf32>");
    optimized(m);
    EXPECT_EQ(opsOf(m), "Input Conv");
    auto conv = llvm::cast<top::ConvOp>(opNamed(m, "c"));
    EXPECT_THAT(conv.getPads(), ElementsAre(2, 0, 1, 3));
    ASSERT_EQ(conv.getPadValue().has_value(), value != 0);
    if (value != 0) {
      EXPECT_THAT(*conv.getPadValue(), ElementsAre(2.5, 2.5, 2.5));
    }
  }
}

TEST(FoldPad, StaysWhereTheConvPadsWithAnotherValueOrTheChipCannot) {
  for (const char *pad : {"0, 0, 1, 1, 0, 0, 1, 1>, val = 1.0 : f64", "0, 0, 15, 0, 0, 0, 0, 0>",
                          "0, 0, -1, 0, 0, 0, 0, 0>", "0, 1, 0, 0, 0, -1, 0, 0>"}) {
    std::string text = std::string("%p = top.Pad %in {paddings = array<i64: ") + pad +
                       "} : (tensor<1x3x8x10xf32>) -> tensor<1x3xHxWxf32> loc(\"p\")\n"
                       "%c = top.Conv %p, %w, %b {kernel_shape = array<i64: 3, 3>, strides = "
                       "array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, "
                       "1>} : (tensor<1x3xHxWxf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> "
                       "tensor<1x4xHxWxf32> loc(\"c\")\nreturn %c : tensor<1x4xHxWxf32>";
    std::string h = std::string(pad).starts_with("0, 0, 1, ")  ? "10"
                    : std::string(pad).starts_with("0, 0, 15") ? "23"
                    : std::string(pad).starts_with("0, 0, -1") ? "7"
                                                               : "8";
    std::string w = h == "10" ? "12" : "10";
    for (size_t at; (at = text.find("HxW")) != std::string::npos;)
      text.replace(at, 3, h + "x" + w);
    auto m = network(kImage, "tensor<1x4x" + h + "x" + w + "xf32>", kInput + kConvWeights + text);
    optimized(m);
    EXPECT_EQ(opsOf(m), "Input Pad Conv") << pad;
  }
}

TEST(FoldConstants, ArithmeticOfWeights) {
  auto m = network(
      kImage, kImage,
      kInput + "%x = top.Weight : () -> tensor<3x1xf32> loc(\"x\")\n"
               "%y = top.Weight : () -> tensor<1x2xf32> loc(\"y\")\n"
               "%z = top.Sub %x, %y : (tensor<3x1xf32>, tensor<1x2xf32>) -> "
               "tensor<3x2xf32> loc(\"z\")\n"
               "%p = top.Permute %z {order = array<i64: 1, 0>} : (tensor<3x2xf32>) -> "
               "tensor<2x3xf32> loc(\"p\")\n"
               "%q = top.Reshape %p {shape = array<i64: 6, 1>} : (tensor<2x3xf32>) -> "
               "tensor<6x1xf32> loc(\"q\")\n"
               "%s = top.Slice %in {offset = array<i64: 0, 0, 0, 0>, steps = array<i64: 1, 1, 1, "
               "1>, sizes = array<i64: 1, 3, 6, 10>} : (tensor<1x3x8x10xf32>) -> "
               "tensor<1x3x6x10xf32> loc(\"s\")\n"
               "%o = top.Add %s, %q : (tensor<1x3x6x10xf32>, tensor<6x1xf32>) -> "
               "tensor<1x3x6x10xf32> loc(\"o\")\n"
               "%r = top.Pad %o {paddings = array<i64: 0, 0, 2, 0, 0, 0, 0, 0>} : "
               "(tensor<1x3x6x10xf32>) -> tensor<1x3x8x10xf32> loc(\"r\")\n"
               "return %r : tensor<1x3x8x10xf32>");
  setWeight(m, "x", {1, 2, 3});
  setWeight(m, "y", {10, 20});
  optimized(m);
  EXPECT_EQ(opsOf(m), "Input Slice Add Pad");
  ASSERT_TRUE(m.weights.contains("q"));
  EXPECT_THAT(toDouble(*m.weights.find("q")), ElementsAre(-9, -8, -7, -19, -18, -17));
  EXPECT_EQ(m.weights.size(), 1u);
}

TEST(ShareConstants, EqualBitsAreOneWeight) {
  const std::string second = "%w2 = top.Weight : () -> tensor<4x3x3x3xf32> loc(\"w2\")\n";
  std::string other = conv("d", "in", "d");
  other.replace(other.find("%w"), 2, "%w2");
  auto m = network(kImage, kFeature,
                   kInput + kConvWeights + second + conv("c", "in", "c") + other +
                       "%s = top.Add %c, %d : (tensor<1x4x8x10xf32>, tensor<1x4x8x10xf32>) -> "
                       "tensor<1x4x8x10xf32> loc(\"s\")\nreturn %s : tensor<1x4x8x10xf32>");
  m.weights.set("w2", m.weights.find("w")->clone());
  optimized(m);
  EXPECT_EQ(m.weights.size(), 2u);
  EXPECT_FALSE(m.weights.contains("w2"));
}

const std::string kMeanStd =
    "%mean = top.Weight : () -> tensor<1x3x1x1xf32> loc(\"mean\")\n"
    "%std = top.Weight : () -> tensor<1x3x1x1xf32> loc(\"std\")\n"
    "%sub = top.Sub %in, %mean : (tensor<1x3x8x10xf32>, tensor<1x3x1x1xf32>) -> "
    "tensor<1x3x8x10xf32> loc(\"sub\")\n"
    "%x = top.Div %sub, %std : (tensor<1x3x8x10xf32>, tensor<1x3x1x1xf32>) -> "
    "tensor<1x3x8x10xf32> loc(\"div\")\n";

TEST(FoldPreprocess, TwoConvsAndTheOneBehindConcatReadTheRawImage) {
  auto m = network(
      kImage, kFeature,
      kInput + kMeanStd + kConvWeights + conv("c", "x", "c") + conv("d", "x", "d") +
          "%s = top.Add %c, %d : (tensor<1x4x8x10xf32>, tensor<1x4x8x10xf32>) -> "
          "tensor<1x4x8x10xf32> loc(\"s\")\n"
          "%j = top.Concat %s, %x {axis = 1 : i64} : (tensor<1x4x8x10xf32>, tensor<1x3x8x10xf32>) "
          "-> tensor<1x7x8x10xf32> loc(\"join\")\n"
          "%v = top.Weight : () -> tensor<4x7x3x3xf32> loc(\"v\")\n"
          "%e = top.Conv %j, %v {kernel_shape = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads "
          "= array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : (tensor<1x7x8x10xf32>, "
          "tensor<4x7x3x3xf32>) -> tensor<1x4x8x10xf32> loc(\"e\")\n"
          "return %e : tensor<1x4x8x10xf32>");
  setWeight(m, "mean", {100, 110, 120});
  setWeight(m, "std", {50, 60, 70});
  auto report = optimized(m);
  EXPECT_THAT(report.notes, IsEmpty());
  EXPECT_EQ(opsOf(m), "Input Conv Conv Add Concat Conv");
  EXPECT_FALSE(opNamed(m, "join"));
  auto concat = llvm::cast<top::ConcatOp>(opNamed(m, "join_raw"));
  EXPECT_EQ(ir::nameOf(concat.getInputs()[1]), "input");
  auto first = llvm::cast<top::ConvOp>(opNamed(m, "c"));
  EXPECT_EQ(ir::nameOf(first.getInput()), "input");
  EXPECT_THAT(*first.getPadValue(), ElementsAre(100, 110, 120));
  auto last = llvm::cast<top::ConvOp>(opNamed(m, "e"));
  EXPECT_THAT(*last.getPadValue(), ElementsAre(0, 0, 0, 0, 100, 110, 120));
  EXPECT_TRUE(last.getBias());
  // sub and div (103, 104) live on in every reader.
  EXPECT_THAT(ir::originOf(first), ElementsAre(103, 104, 107));
  EXPECT_THAT(ir::originOf(last), testing::IsSupersetOf({103, 104}));
}

TEST(FoldPreprocess, StaysWholeAndSaysWhyWhereOneReaderCannotTakeIt) {
  auto m = network(kImage, kFeature + ", tensor<1x3x4x5xf32>",
                   kInput + kMeanStd + kConvWeights + conv("c", "x", "c") +
                       "%p = top.MaxPool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: "
                       "2, 2>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x10xf32>) -> "
                       "tensor<1x3x4x5xf32> loc(\"pool\")\n"
                       "return %c, %p : tensor<1x4x8x10xf32>, tensor<1x3x4x5xf32>");
  auto report = optimized(m);
  EXPECT_EQ(opsOf(m), "Input Sub Div Conv MaxPool");
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_THAT(report.notes[0], HasSubstr("tensor 'sub' (Sub)"));
  EXPECT_THAT(report.notes[0], HasSubstr("'pool' (MaxPool) reads 'div'"));
}

TEST(FoldPreprocess, NetworkOutputsStay) {
  auto m = network(kImage, kFeature + ", " + kImage,
                   kInput + kMeanStd + kConvWeights + conv("c", "x", "c") +
                       "return %c, %x : tensor<1x4x8x10xf32>, tensor<1x3x8x10xf32>");
  auto report = optimized(m);
  EXPECT_EQ(opsOf(m), "Input Sub Div Conv");
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_THAT(report.notes[0], HasSubstr("'div' (Div) is a network output"));
}

TEST(Optimize, RefusesOtherStagesAndUnknownPasses) {
  auto m = network(kImage, kImage, kInput + "return %in : tensor<1x3x8x10xf32>");
  auto unknown = optimize(m, {.skip = {"fuse_rel"}});
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().text(), HasSubstr("there is no pass 'fuse_rel' to skip"));
  EXPECT_THAT(unknown.error().text(), HasSubstr("fuse_relu"));
  m.setState(ir::kTpuState);
  EXPECT_FALSE(optimize(m));
}

} // namespace
} // namespace tessera::optimize
