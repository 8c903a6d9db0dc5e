#include "tessera/interpret/interpret.h"

#include "tessera/interpret/kernels/cast.h"

#include <cmath>
#include <gmock/gmock.h>

namespace tessera::interpret {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// `main` may begin with type aliases, which belong before the module.
ir::Module moduleOf(std::string main) {
  main.insert(main.find("func.func"), "module @net attributes {top.state = \"TOP_F32\"} {\n");
  auto m = ir::Module::parse(main + "\n}\n", "test");
  if (!m) {
    ADD_FAILURE() << m.error().text();
    std::abort();
  }
  return std::move(*m);
}

std::vector<float> floats(const Tensor &t) { return {t.as<float>().begin(), t.as<float>().end()}; }

const char *kTop = R"(
func.func @main(%arg0: tensor<1x2x4x4xf32>) -> (tensor<1x3x2x2xf32>, tensor<1x2x4x4xf32>) {
  %0 = top.Input %arg0 : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("input")
  %w = top.Weight : () -> tensor<1x2x1x1xf32> loc("w")
  %b = top.Weight : () -> tensor<1xf32> loc("b")
  %r = top.Relu %0 : (tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32> loc("r")
  %1 = top.Conv %r, %w, %b {kernel_shape = array<i64: 1, 1>, strides = array<i64: 2, 2>,
    pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
    : (tensor<1x2x4x4xf32>, tensor<1x2x1x1xf32>, tensor<1xf32>) -> tensor<1x1x2x2xf32> loc("conv")
  %2 = top.MaxPool %0 {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>,
    pads = array<i64: 0, 0, 0, 0>} : (tensor<1x2x4x4xf32>) -> tensor<1x2x2x2xf32> loc("pool")
  %3 = top.Concat %1, %2 {axis = 1 : i64}
    : (tensor<1x1x2x2xf32>, tensor<1x2x2x2xf32>) -> tensor<1x3x2x2xf32> loc("cat")
  return %3, %r : tensor<1x3x2x2xf32>, tensor<1x2x4x4xf32>
})";

ir::Module topNet() {
  ir::Module m = moduleOf(kTop);
  m.weights.set("w", Tensor::of<float>({1, 2, 1, 1}, std::array{2.f, -1.f}));
  m.weights.set("b", Tensor::of<float>({1}, std::array{0.5f}));
  return m;
}

TensorMap ramp() {
  Tensor x(DType::F32, {1, 2, 4, 4});
  for (int i = 0; i < 32; ++i)
    x.as<float>()[i] = float(i - 8);
  TensorMap map;
  map.set("input", x);
  return map;
}

TEST(Runner, WalksATopModule) {
  Runner runner(topNet());
  ASSERT_EQ(runner.outputs().size(), 2u);
  EXPECT_EQ(runner.outputs()[0].name, "cat");
  auto out = runner.run(ramp());
  ASSERT_TRUE(out) << out.error().text();
  std::vector<std::string> names;
  for (const auto &[name, _] : *out)
    names.push_back(name);
  EXPECT_THAT(names, ElementsAre("r", "cat")); // op order
  // Cells 0, 2, 8, 10: relu(a) * 2 - relu(a + 16) + 0.5.
  EXPECT_THAT(floats(*out->find("cat")),
              ElementsAre(-7.5, -9.5, -15.5, -13.5, -3, -1, 5, 7, 13, 15, 21, 23));
  EXPECT_EQ(out->find("r")->as<float>()[0], 0);
}

TEST(Runner, KeepsAndReportsEveryTensorInOpOrder) {
  Runner runner(topNet());
  Runner::Options options;
  options.keepAll = true;
  std::vector<std::string> seen, kept;
  options.onTensor = [&](const std::string &name, const Tensor &t) {
    EXPECT_FALSE(t.empty());
    seen.push_back(name);
  };
  auto out = runner.run(ramp(), options);
  ASSERT_TRUE(out) << out.error().text();
  for (const auto &[name, _] : *out)
    kept.push_back(name);
  EXPECT_THAT(kept, ElementsAre("input", "r", "conv", "pool", "cat"));
  EXPECT_EQ(seen, kept);
}

TEST(Runner, InputMistakesAreNamedAllAtOnce) {
  Runner runner(topNet());
  TensorMap wrong;
  wrong.set("inptu", Tensor(DType::F32, {1, 2, 4, 4}));
  auto r = runner.run(wrong);
  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().text(), HasSubstr("net: input 'input'"));
  EXPECT_THAT(r.error().text(), HasSubstr("did you mean 'input'?"));
  TensorMap shape;
  shape.set("input", Tensor(DType::F32, {1, 2, 4, 5}));
  r = runner.run(shape);
  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().text(), HasSubstr("has shape 1x2x4x5, the network takes 1x2x4x4"));
}

TEST(Runner, WalksATpuModuleInStoredTypes) {
  ir::Module m = moduleOf(R"(
!f = tensor<1x1x1x3xf32>
!i8 = tensor<1x1x1x3x!quant.uniform<i8:f32, 0.5>>
!u8 = tensor<1x1x1x3x!quant.uniform<u8:f32, 0.25>>
!u4 = tensor<1x2x1x3x!quant.uniform<u8:f32, 0.25>>
func.func @main(%arg0: !f) -> tensor<1x2x1x3xf32> {
  %0 = tpu.Input %arg0 : (!f) -> !f loc("input")
  %1 = tpu.Cast %0 : (!f) -> !i8 loc("q")
  %w = tpu.Weight : () -> tensor<1x1x1x1xi8> loc("w")
  %b = tpu.Weight : () -> tensor<1xi32> loc("b")
  %2 = tpu.Conv2D %1, %w, %b {kernel_shape = array<i64: 1, 1>, strides = array<i64: 1, 1>,
    pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, multiplier = array<i32: 3>, rshift = array<i32: 1>}
    : (!i8, tensor<1x1x1x1xi8>, tensor<1xi32>) -> !u8 loc("conv")
  %3 = tpu.MulShift %2 {multiplier = 1 : i32, rshift = 1 : i32} : (!u8) -> !u8 loc("half")
  %4 = tpu.Concat %2, %3 {axis = 1 : i64} : (!u8, !u8) -> !u4 loc("cat")
  %5 = tpu.Cast %4 : (!u4) -> tensor<1x2x1x3xf32> loc("cat_f32")
  return %5 : tensor<1x2x1x3xf32>
})");
  m.weights.set("w", Tensor::of<int8_t>({1, 1, 1, 1}, std::array<int8_t, 1>{-2}));
  m.weights.set("b", Tensor::of<int32_t>({1}, std::array<int32_t, 1>{5}));
  Runner runner(m);
  TensorMap in;
  in.set("input", Tensor::of<float>({1, 1, 1, 3}, std::array{1.25f, -1.25f, 100.f}));
  Runner::Options options;
  options.keepAll = true;
  auto out = runner.run(in, options);
  ASSERT_TRUE(out) << out.error().text();
  // 2.5 -> 3, -2.5 -> -3, 200 -> 127; (5 - 2q) * 3 / 2 half up: -1.5 -> -1 -> 0, 16.5 -> 17,
  // negative -> 0.
  EXPECT_THAT(out->find("q")->as<int8_t>(), ElementsAre(3, -3, 127));
  EXPECT_THAT(out->find("conv")->as<uint8_t>(), ElementsAre(0, 17, 0));
  EXPECT_THAT(floats(*out->find("cat_f32")), ElementsAre(0, 4.25, 0, 0, 2.25, 0));
  EXPECT_THAT(floats(*dequantized(*out, runner).find("conv")), ElementsAre(0, 4.25, 0));
  EXPECT_EQ(runner.tensors()[1].scale, 0.5);
}

TEST(Runner, LooksUpBytes) {
  std::string table;
  for (int byte = 0; byte < 256; ++byte)
    table += (byte ? ", " : "") + std::to_string(255 - byte);
  ir::Module m = moduleOf(R"(
!f = tensor<1x1x1x3xf32>
!i8 = tensor<1x1x1x3x!quant.uniform<i8:f32, 0.5>>
!u8 = tensor<1x1x1x3x!quant.uniform<u8:f32, 0.25>>
func.func @main(%arg0: !f) -> !f {
  %0 = tpu.Input %arg0 : (!f) -> !f loc("input")
  %1 = tpu.Cast %0 : (!f) -> !i8 loc("q")
  %2 = tpu.Lut %1 {table = array<i32: )" +
                          table + R"(>} : (!i8) -> !u8 loc("lut")
  %3 = tpu.Cast %2 : (!u8) -> !f loc("out")
  return %3 : !f
})");
  Runner runner(m);
  TensorMap in;
  in.set("input", Tensor::of<float>({1, 1, 1, 3}, std::array{1.f, -1.f, -64.f}));
  auto out = runner.run(in, {.keepAll = true});
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_THAT(out->find("lut")->as<uint8_t>(), ElementsAre(253, 1, 127)); // bytes 2, 254, 128
}

TEST(Runner, EveryTopOpHasAKernel) {
  // Each op once, in a chain where shapes allow.
  ir::Module m = moduleOf(R"(
!t = tensor<1x2x4x4xf32>
!c = tensor<2xf32>
func.func @main(%arg0: !t) -> (!t, tensor<1x4x4xf32>, tensor<1x2x16xf32>, tensor<4x4xf32>) {
  %c = top.Weight : () -> !c loc("c")
  %w = top.Weight : () -> tensor<2x2x2x2xf32> loc("w")
  %0 = top.Input %arg0 : (!t) -> !t loc("input")
  %1 = top.BatchNorm %0, %c, %c, %c, %c : (!t, !c, !c, !c, !c) -> !t loc("bn")
  %2 = top.Scale %1, %c, %c : (!t, !c, !c) -> !t loc("scale")
  %3 = top.Deconv %2, %w {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
    dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>} : (!t, tensor<2x2x2x2xf32>) -> tensor<1x2x8x8xf32> loc("dc")
  %4 = top.AvgPool %3 {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x2x8x8xf32>) -> !t loc("avg")
  %5 = top.Sigmoid %4 : (!t) -> !t loc("sig")
  %6 = top.LeakyRelu %5 {alpha = 0.1 : f64} : (!t) -> !t loc("leaky")
  %7 = top.Clip %6 {min = 0.0 : f64, max = 6.0 : f64} : (!t) -> !t loc("clip")
  %8 = top.Softmax %7 {axis = 1 : i64} : (!t) -> !t loc("soft")
  %9 = top.Arg %8 {axis = 1 : i64, keepdims = false} : (!t) -> tensor<1x4x4xf32> loc("arg")
  %10 = top.Pad %8 {paddings = array<i64: 0, 0, 1, 0, 0, 0, -1, 0>} : (!t) -> !t loc("pad")
  %11 = top.Interp %10 {out_size = array<i64: 4, 4>, scale = array<f64: 1.0, 1.0>, mode = "cubic", coord_mode = "half_pixel"}
    : (!t) -> !t loc("interp")
  %12 = top.Add %11, %10 : (!t, !t) -> !t loc("add")
  %13 = top.Sub %12, %11 : (!t, !t) -> !t loc("sub")
  %14 = top.Mul %13, %11 : (!t, !t) -> !t loc("mul")
  %15 = top.Div %14, %5 : (!t, !t) -> !t loc("div")
  %16 = top.Compare %15, %14 {mode = "LessOrEqual"} : (!t, !t) -> !t loc("cmp")
  %17 = top.Where %16, %15, %14 : (!t, !t, !t) -> !t loc("where")
  %18 = top.Gather %17 {indices = array<i64: 1, 0>, axis = 1 : i64} : (!t) -> !t loc("gather")
  %19 = top.Cast %18 {to = "i32"} : (!t) -> !t loc("cast")
  %20 = top.Reshape %19 {shape = array<i64: 1, 2, 16>} : (!t) -> tensor<1x2x16xf32> loc("reshape")
  %21 = top.Permute %18 {order = array<i64: 0, 1, 3, 2>} : (!t) -> !t loc("perm")
  %22 = top.Slice %9 {offset = array<i64: 0, 3, 0>, steps = array<i64: 1, -1, 1>, sizes = array<i64: 1, 4, 4>}
    : (tensor<1x4x4xf32>) -> tensor<1x4x4xf32> loc("slice")
  %23 = top.Reshape %22 {shape = array<i64: 4, 4>} : (tensor<1x4x4xf32>) -> tensor<4x4xf32> loc("flat")
  return %21, %9, %20, %23 : !t, tensor<1x4x4xf32>, tensor<1x2x16xf32>, tensor<4x4xf32>
})");
  m.weights.set("c", Tensor::of<float>({2}, std::array{1.f, 2.f}));
  m.weights.set("w", Tensor::of<float>({2, 2, 2, 2}, std::vector<float>(16, 0.25f)));
  auto out = Runner(m).run(ramp());
  ASSERT_TRUE(out) << out.error().text();
  EXPECT_EQ(out->size(), 4u);
  for (float v : floats(*out->find("perm")))
    EXPECT_TRUE(std::isfinite(v));
}

} // namespace
} // namespace tessera::interpret
