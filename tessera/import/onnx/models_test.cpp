// The four measured models: they import, with TPU-MLIR's names.
#include "tessera/import/onnx/testing.h"

namespace tessera::onnx_import {
namespace {

const std::filesystem::path kModels = std::filesystem::path(TESSERA_SHARED_DIR) / "models";

#define NEED(file)                                                                                 \
  if (!std::filesystem::exists(kModels / file))                                                    \
  GTEST_SKIP() << "the model " << file << " is not beside this checkout"

std::vector<std::string> opsOf(const ir::Module &m) {
  std::vector<std::string> ops;
  m.op().walk([&](mlir::Operation *op) {
    if (op->getDialect() && op->getDialect()->getNamespace() == "top" &&
        !llvm::isa<top::WeightOp>(op))
      ops.push_back(op->getName().getStringRef().str() + " " + ir::nameOf(op) + " " +
                    shapeText(ir::shapeOf(op->getResult(0))));
  });
  return ops;
}

std::map<std::string, int> histogram(const ir::Module &m) {
  std::map<std::string, int> counts;
  for (const auto &op : opsOf(m))
    ++counts[op.substr(4, op.find(' ') - 4)];
  return counts;
}

ir::Module import(const char *file, const ImportOptions &options = {}) {
  auto m = importOnnx(kModels / file, options);
  if (!m)
    ADD_FAILURE() << m.error().text();
  return m ? std::move(*m) : ir::Module::create("failed", ir::kTopState);
}

TEST(Models, UnetKeepsNothingOfTheShapeArithmetic) {
  NEED("unet8_carvana_240x160.onnx");
  auto m = import("unet8_carvana_240x160.onnx");
  EXPECT_EQ(
      histogram(m),
      (std::map<std::string, int>{
          {"Input", 1}, {"Conv", 19}, {"Relu", 18}, {"MaxPool", 4}, {"Deconv", 4}, {"Concat", 4}}));
  auto ops = opsOf(m);
  EXPECT_EQ(ops.front(), "top.Input input 1x3x160x240");
  EXPECT_EQ(ops.back(), "top.Conv output_Conv 1x2x160x240");
  EXPECT_THAT(ops, ::testing::Contains(
                       "top.Relu /inc/double_conv/double_conv.2/Relu_output_0_Relu 1x8x160x240"));
  EXPECT_THAT(ops, ::testing::Contains(
                       "top.Deconv /up1/up/ConvTranspose_output_0_ConvTranspose 1x64x20x30"));
  EXPECT_THAT(ops, ::testing::Contains("top.Concat /up1/Concat_1_output_0_Concat 1x128x20x30"));
  ASSERT_NE(m.weights.find("onnx::Conv_364"), nullptr);
  EXPECT_EQ(m.weights.find("onnx::Conv_364")->shape(), (Shape{8, 3, 3, 3}));
}

TEST(Models, DynamicTwinGivesTheSameOps) {
  NEED("unet8_carvana_dynamic.onnx");
  NEED("unet8_carvana_240x160.onnx");
  ImportOptions options;
  options.inputShapes = {{1, 3, 160, 240}};
  auto fixed = import("unet8_carvana_dynamic.onnx", options);
  auto stated = import("unet8_carvana_240x160.onnx");
  // The exporter numbers the Concat nodes of shape arithmetic too, so only their names differ.
  auto unnumbered = [](std::vector<std::string> ops) {
    for (auto &op : ops)
      if (op.starts_with("top.Concat"))
        op.replace(op.find("Concat_"), 8, "");
    return ops;
  };
  EXPECT_EQ(unnumbered(opsOf(fixed)), unnumbered(opsOf(stated)));
  EXPECT_EQ(opsOf(fixed).size(), 50u);
}

TEST(Models, DynamicTwinPadsWhereSizesDoNotFit) {
  NEED("unet8_carvana_dynamic.onnx");
  ImportOptions options;
  options.inputShapes = {{1, 3, 100, 152}};
  auto m = import("unet8_carvana_dynamic.onnx", options);
  EXPECT_EQ(histogram(m)["Pad"], 2); // 152 halves three times evenly, 100 twice
  EXPECT_EQ(opsOf(m).back(), "top.Conv output_Conv 1x2x100x152");
}

TEST(Models, ResidualUnet) {
  NEED("residual_unet_256.onnx");
  auto m = import("residual_unet_256.onnx");
  EXPECT_EQ(histogram(m), (std::map<std::string, int>{{"Input", 1},
                                                      {"Sub", 1},
                                                      {"Div", 1},
                                                      {"Conv", 16},
                                                      {"Relu", 20},
                                                      {"Add", 5},
                                                      {"Deconv", 5},
                                                      {"BatchNorm", 5},
                                                      {"Slice", 10},
                                                      {"Concat", 5}}));
  EXPECT_THAT(opsOf(m), ::testing::IsSupersetOf({"top.Sub /Sub_output_0_Sub 1x3x256x256",
                                                 "top.Div /Div_output_0_Div 1x3x256x256",
                                                 "top.Slice /Slice_1_output_0_Slice 1x64x16x16",
                                                 "top.Conv logits_Conv 1x1x256x256"}));
}

TEST(Models, WeightsListedAsInputs) {
  NEED("prisma_portrait_256.onnx");
  ImportOptions options;
  options.inputShapes = {{1, 3, 256, 256}}; // its batch is open
  auto m = import("prisma_portrait_256.onnx", options);
  EXPECT_EQ(
      histogram(m),
      (std::map<std::string, int>{
          {"Input", 1}, {"Conv", 97}, {"Relu", 46}, {"Add", 27}, {"Deconv", 5}, {"Sigmoid", 1}}));
  EXPECT_THAT(opsOf(m),
              ::testing::IsSupersetOf({"top.Conv convolution_output12_Conv 1x8x256x256",
                                       "top.Relu activation_93/Relu:0_Relu 1x8x256x256"}));
  EXPECT_NE(m.weights.find("conv2d_11/kernel:0"), nullptr);
}

} // namespace
} // namespace tessera::onnx_import
