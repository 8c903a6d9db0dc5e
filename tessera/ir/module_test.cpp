// NAME.mlir and its npz: round trip, and one clear error for each way the pair can be wrong.
#include "tessera/ir/module.h"
#include "tessera/support/file.h"
#include "tessera/support/testing.h"
#include "tessera/tensor/npz.h"

#include <gmock/gmock.h>

namespace fs = std::filesystem;
namespace tessera::ir {
namespace {

using testing::HasSubstr;

class ModuleFile : public testing::Test {
protected:
  fs::path path(const std::string &name) const { return folder_ / name; }
  std::string errorOf(const std::string &text) {
    EXPECT_TRUE(writeText(path("x.mlir"), text));
    auto m = Module::load(path("x.mlir"));
    EXPECT_FALSE(m);
    return m ? "" : m.error().text();
  }

  ScratchFolder folder_;
};

const char *const kText =
    R"(module @net attributes {top.state = "TOP_F32", top.weight_file = "w.npz"} {
  func.func @main(%arg0: tensor<1x2x4x4xf32>) -> tensor<1x3x4x4xf32> {
    %0 = top.Input %arg0 {mean = array<f64: 1.0, 2.0>, scale = array<f64: 0.5, 0.25>, pixel_format = "rgb"} : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("input")
    %1 = top.Weight : () -> tensor<3x2x1x1xf32> loc("w/0")
    %2 = top.Conv %0, %1 {id = 7 : i64, from = array<i64: 4, 5>, kernel_shape = array<i64: 1, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, do_relu = true} : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>) -> tensor<1x3x4x4xf32> loc("out \"quoted\"")
    return %2 : tensor<1x3x4x4xf32>
  }
}
)";

TEST_F(ModuleFile, RoundTripKeepsTextWeightsNamesAndIds) {
  auto parsed = Module::parse(kText, "text");
  ASSERT_TRUE(parsed) << parsed.error().text();
  Module m = std::move(*parsed);
  std::vector<float> values = {1, -2, 3.5, 0, -0.0f, 1e-30f};
  m.weights.set("w/0", Tensor::of<float>({3, 2, 1, 1}, values));
  auto saved = m.save(path("x.mlir"), "x_weights.npz");
  ASSERT_TRUE(saved) << saved.error().text();
  auto loaded = Module::load(path("x.mlir"));
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_EQ(loaded->text(), m.text());
  EXPECT_EQ(loaded->name(), "net");
  EXPECT_EQ(loaded->state(), kTopState);
  EXPECT_EQ(loaded->attribute("weight_file"), "x_weights.npz");
  const Tensor *w = loaded->weights.find("w/0");
  ASSERT_TRUE(w);
  EXPECT_EQ(std::memcmp(w->bytes().data(), values.data(), w->bytes().size()), 0);
  mlir::Operation *conv = nullptr;
  loaded->main().walk([&](top::ConvOp op) { conv = op; });
  ASSERT_TRUE(conv);
  EXPECT_EQ(nameOf(conv), "out \"quoted\"");
  EXPECT_EQ(idOf(conv), 7);
  EXPECT_THAT(originOf(conv), testing::ElementsAre(4, 5));
  // The same module gives the same bytes.
  auto first = readFile(path("x.mlir"));
  ASSERT_TRUE(loaded->save(path("x.mlir"), "x_weights.npz"));
  EXPECT_EQ(*readFile(path("x.mlir")), *first);
}

TEST_F(ModuleFile, NumbersSurviveTheTextInEveryBit) {
  const double scale = 6.5 / 255, mean = 123.67500305175781, tiny = 1.0 / 3e-9;
  Module m = Module::create("numbers", kTpuState);
  mlir::OpBuilder b(m.context());
  auto type = floatType(m.context(), {1, 3, 2, 2});
  m.main().setFunctionType(b.getFunctionType({type}, {type}));
  mlir::Value argument = m.main().getBody().front().addArgument(type, b.getUnknownLoc());
  b.setInsertionPointToEnd(&m.main().getBody().front());
  auto at = nameLoc(m.context(), "x");
  auto input = b.create<tpu::InputOp>(at, type, argument, llvm::ArrayRef<double>{mean, tiny, -0.0},
                                      llvm::ArrayRef<double>{scale, 1, 2});
  auto cast = b.create<tpu::CastOp>(at, quantType(m.context(), {1, 3, 2, 2}, false, scale),
                                    input.getOutput());
  auto pad = b.create<tpu::CastOp>(at, type, cast.getOutput());
  b.create<mlir::func::ReturnOp>(at, pad.getOutput());
  auto saved = m.save(path("x.mlir"), "x.npz");
  ASSERT_TRUE(saved) << saved.error().text();
  auto loaded = Module::load(path("x.mlir"));
  ASSERT_TRUE(loaded) << loaded.error().text();
  loaded->main().walk([&](tpu::InputOp op) {
    EXPECT_THAT(op.getMean(), testing::ElementsAre(mean, tiny, -0.0));
    EXPECT_THAT(op.getScale(), testing::ElementsAre(scale, 1, 2));
  });
  loaded->main().walk([&](tpu::CastOp op) {
    if (isQuantized(op.getOutput())) {
      EXPECT_EQ(scaleOf(op.getOutput()), scale);
    }
  });
}

TEST_F(ModuleFile, ClonesShareNoOps) {
  auto m = Module::parse(kText, "text");
  ASSERT_TRUE(m);
  Module copy = m->clone();
  copy.setState(kTpuState);
  copy.main().walk([&](top::ConvOp op) { op.setDoRelu(false); });
  EXPECT_EQ(m->state(), kTopState);
  m->main().walk([&](top::ConvOp op) { EXPECT_TRUE(op.getDoRelu()); });
}

TEST_F(ModuleFile, BrokenTextIsLocated) {
  std::string text = kText;
  text.insert(text.find("top.Conv"), "top.Convolution %0 : () -> ()\n");
  EXPECT_THAT(errorOf(text), HasSubstr("x.mlir:5:"));
  EXPECT_THAT(errorOf(std::string(kText).substr(0, 300)), HasSubstr("x.mlir:"));
  EXPECT_THAT(errorOf(""), HasSubstr("has no func.func @main"));
  EXPECT_THAT(errorOf("module {}"), HasSubstr("has no func.func @main"));
  EXPECT_THAT(errorOf("module { func.func private @main() -> () }"),
              HasSubstr("has no func.func @main"));
}

TEST_F(ModuleFile, AWrongShapeNamesTheTensor) {
  std::string text = kText;
  for (size_t at; (at = text.find("1x3x4x4")) != std::string::npos;)
    text.replace(at, 7, "1x3x4x5");
  EXPECT_THAT(errorOf(text), HasSubstr("tensor 'out \"quoted\"'"));
  EXPECT_THAT(errorOf(text), HasSubstr("its operands and attributes give [1, 3, 4, 4]"));
}

TEST_F(ModuleFile, TheNpzMustBeThereAndFit) {
  EXPECT_THAT(errorOf(kText), HasSubstr("w.npz"));
  TensorMap map;
  map.set("other", Tensor(DType::F32, {1}));
  ASSERT_TRUE(writeNpz(path("w.npz"), map));
  EXPECT_THAT(errorOf(kText), HasSubstr("weight 'w/0': error[bad-module]: is missing from w.npz"));
  map.set("w/0", Tensor(DType::F32, {3, 2, 1, 2}));
  ASSERT_TRUE(writeNpz(path("w.npz"), map));
  EXPECT_THAT(errorOf(kText), HasSubstr("is 3x2x1x2 f32 in w.npz, the text says 3x2x1x1 f32"));
  map.set("w/0", Tensor(DType::F64, {3, 2, 1, 1}));
  ASSERT_TRUE(writeNpz(path("w.npz"), map));
  EXPECT_THAT(errorOf(kText), HasSubstr("is 3x2x1x1 f64 in w.npz"));
  std::string nameless = kText;
  nameless.replace(nameless.find(", top.weight_file = \"w.npz\""), 27, "");
  EXPECT_THAT(errorOf(nameless), HasSubstr("names no top.weight_file"));
}

TEST_F(ModuleFile, SaveWritesNothingWhenTheModuleIsWrong) {
  auto m = Module::parse(kText, "text");
  ASSERT_TRUE(m);
  m->main().walk([&](top::ConvOp op) { op.setStrides({0, 1}); });
  auto status = m->save(path("y.mlir"), "y.npz");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().text(), HasSubstr("strides is [0, 1]"));
  EXPECT_FALSE(fs::exists(path("y.mlir")));
  EXPECT_FALSE(fs::exists(path("y.npz")));
}

} // namespace
} // namespace tessera::ir
