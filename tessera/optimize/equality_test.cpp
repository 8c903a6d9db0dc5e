// Every rewrite proved by results: the interpreter's float outputs before and after, on random
// weights, random and constant images, in every pixel, borders included.
#include "tessera/interpret/interpret.h"
#include "tessera/optimize/test_network.h"

#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <gmock/gmock.h>

namespace tessera::optimize {
namespace {

TensorMap outputsOf(const ir::Module &m, const TensorMap &inputs) {
  interpret::Runner runner(m);
  interpret::Runner::Options options;
  options.singleThread = true;
  options.floatPath = interpret::FloatPath::Plain;
  auto result = runner.run(inputs, options);
  if (!result) {
    ADD_FAILURE() << result.error().text() << m.text();
    return {};
  }
  return *result;
}

// Images: random 0..255, constant 0, 255 and 100, and one bright pixel in each corner.
std::vector<Tensor> images(const Shape &shape) {
  std::vector<Tensor> list = {randomTensor(shape, 7, 0, 255)};
  for (float value : {0.0f, 255.0f, 100.0f}) {
    Tensor t(DType::F32, shape);
    std::fill(t.as<float>().begin(), t.as<float>().end(), value);
    list.push_back(t);
  }
  Tensor corners(DType::F32, shape);
  int64_t plane = shape[2] * shape[3];
  for (int64_t c = 0; c < shape[1]; ++c)
    for (int64_t at : {int64_t(0), shape[3] - 1, plane - shape[3], plane - 1})
      corners.as<float>()[c * plane + at] = 255;
  list.push_back(corners);
  return list;
}

// Optimizes a copy and compares all outputs on all images. `tolerance` is relative to the largest
// magnitude in the output: weights are rounded anew and sums of raw pixels cancel.
OptimizeReport expectEqual(const ir::Module &before, const std::string &ops,
                           double tolerance = 2e-5, const OptimizeOptions &options = {}) {
  ir::Module after = before.clone();
  OptimizeReport report = optimized(after, options);
  EXPECT_EQ(opsOf(after), ops) << after.text();
  interpret::Runner runner(before);
  for (const Tensor &image : images(runner.inputs().at(0).shape)) {
    TensorMap inputs;
    inputs.set(runner.inputs()[0].name, image);
    TensorMap a = outputsOf(before, inputs), b = outputsOf(after, inputs);
    EXPECT_EQ(a.size(), b.size());
    auto other = b.begin();
    for (auto it = a.begin(); it != a.end() && other != b.end(); ++it, ++other) {
      EXPECT_EQ(it->first, other->first);
      EXPECT_EQ(it->second.shape(), other->second.shape());
      if (it->second.shape() != other->second.shape())
        continue;
      auto x = it->second.as<float>(), y = other->second.as<float>();
      double largest = 0;
      for (float v : x)
        largest = std::max(largest, double(std::abs(v)));
      EXPECT_GT(largest, 0) << it->first << ": a dead network proves nothing";
      int bad = 0;
      for (size_t i = 0; i < x.size() && bad < 5; ++i)
        if (!(std::abs(double(x[i]) - y[i]) <= tolerance * largest)) {
          ADD_FAILURE() << it->first << "[" << i << "]: " << x[i] << " before, " << y[i]
                        << " after";
          ++bad;
        }
    }
  }
  return report;
}

struct Window {
  int kernel = 3, stride = 1, dilation = 1, group = 1;
  std::string pads = "1, 1, 1, 1";
};

// One convolution as text, with its weights; shapes follow from the operands, so the text asks for
// them.
class Builder {
public:
  explicit Builder(Shape input) : input_(std::move(input)) {
    text_ = fmt::format("%in = top.Input %arg0 : ({0}) -> {0} loc(\"input\")\n", type(input_));
    shapes_["in"] = input_;
  }
  static std::string type(const Shape &s) {
    std::string t;
    for (int64_t d : s)
      t += std::to_string(d) + "x";
    return "tensor<" + t + "f32>";
  }
  void weight(const std::string &name, Shape shape) {
    text_ += fmt::format("%{0} = top.Weight : () -> {1} loc(\"{0}\")\n", name, type(shape));
    shapes_[name] = shape;
  }
  // %name = top.OP %operands {attributes}; the result's shape is given.
  void op(const std::string &name, const std::string &kind, std::vector<std::string> operands,
          const std::string &attributes, Shape result) {
    std::string values, types;
    for (const std::string &o : operands) {
      values += (values.empty() ? "%" : ", %") + o;
      types += (types.empty() ? "" : ", ") + type(shapes_.at(o));
    }
    text_ += fmt::format("%{0} = top.{1} {2} {{{3}}} : ({4}) -> {5} loc(\"{0}\")\n", name, kind,
                         values, attributes, types, type(result));
    shapes_[name] = result;
  }
  void conv(const std::string &name, const std::string &input, int64_t oc, const Window &w,
            bool bias = true, const std::string &more = "") {
    Shape in = shapes_.at(input);
    Window2d win = geometry(w);
    weight(name + "_w", {oc, in[1] / w.group, w.kernel, w.kernel});
    std::vector<std::string> operands = {input, name + "_w"};
    if (bias) {
      weight(name + "_b", {oc});
      operands.push_back(name + "_b");
    }
    op(name, "Conv", operands, attributes(w) + more,
       {in[0], oc, win.outputSize(0, in[2]), win.outputSize(1, in[3])});
  }
  void deconv(const std::string &name, const std::string &input, int64_t oc, const Window &w,
              int more = 0) {
    Shape in = shapes_.at(input);
    Window2d win = geometry(w);
    win.outputPadding = {more, more};
    weight(name + "_w", {oc, in[1] / w.group, w.kernel, w.kernel});
    weight(name + "_b", {oc});
    op(name, "Deconv", {input, name + "_w", name + "_b"},
       attributes(w) + fmt::format(", output_padding = array<i64: {0}, {0}>", more),
       {in[0], oc, win.transposedOutputSize(0, in[2]), win.transposedOutputSize(1, in[3])});
  }
  void like(const std::string &name, const std::string &kind, std::vector<std::string> operands,
            const std::string &attributes = "") {
    op(name, kind, operands, attributes, shapes_.at(operands[0]));
  }
  // Mean and standard deviation, as torchvision's networks have them at their head.
  std::string meanStd(const std::string &prefix = "") {
    weight(prefix + "mean", {1, 3, 1, 1});
    weight(prefix + "std", {1, 3, 1, 1});
    like(prefix + "sub", "Sub", {"in", prefix + "mean"});
    like(prefix + "div", "Div", {prefix + "sub", prefix + "std"});
    return prefix + "div";
  }
  const Shape &shape(const std::string &name) const { return shapes_.at(name); }
  ir::Module build(std::vector<std::string> outputs) const {
    std::string values, types;
    for (const std::string &o : outputs) {
      values += (values.empty() ? "%" : ", %") + o;
      types += (types.empty() ? "" : ", ") + type(shapes_.at(o));
    }
    ir::Module m = network(type(input_), types, text_ + "return " + values + " : " + types);
    if (m.weights.contains("mean"))
      setWeight(m, "mean", {123.675f, 116.28f, 103.53f});
    if (m.weights.contains("std"))
      setWeight(m, "std", {58.395f, 57.12f, 57.375f});
    return m;
  }

private:
  static Window2d geometry(const Window &w) {
    Window2d win;
    win.kernel = {w.kernel, w.kernel};
    win.strides = {w.stride, w.stride};
    win.dilations = {w.dilation, w.dilation};
    std::sscanf(w.pads.c_str(), "%ld, %ld, %ld, %ld", &win.pads[0], &win.pads[1], &win.pads[2],
                &win.pads[3]);
    return win;
  }
  static std::string attributes(const Window &w) {
    return fmt::format(
        "kernel_shape = array<i64: {0}, {0}>, strides = array<i64: {1}, {1}>, "
        "pads = array<i64: {2}>, dilations = array<i64: {3}, {3}>, group = {4} : i64",
        w.kernel, w.stride, w.pads, w.dilation, w.group);
  }
  Shape input_;
  std::string text_;
  std::map<std::string, Shape> shapes_;
};

const std::vector<Window> kWindows = {
    {},
    {.kernel = 1, .pads = "0, 0, 0, 0"},
    {.kernel = 1, .stride = 2, .pads = "0, 0, 0, 0"},
    {.stride = 2},
    {.dilation = 2, .pads = "2, 2, 2, 2"},
    {.kernel = 5, .pads = "2, 2, 2, 2"},
    {.kernel = 2, .stride = 2, .pads = "0, 1, 1, 0"},
    {.stride = 2, .dilation = 2, .pads = "3, 0, 1, 2"},
    {.group = 3},
};

TEST(Equality, BatchNormScaleAndArithmeticFoldIntoConvAndDeconv) {
  for (const Window &w : kWindows)
    for (bool bias : {true, false}) {
      SCOPED_TRACE(fmt::format("kernel {} stride {} dilation {} group {} pads {}", w.kernel,
                               w.stride, w.dilation, w.group, w.pads));
      Builder b({2, 3, 9, 11});
      b.weight("k", {1, 1, 1, 1});
      b.like("small", "Mul", {"in", "k"}, "do_relu = true"); // keeps the chain away from the input
      b.conv("c", "small", 6, w, bias);
      for (const char *v : {"mean_", "var_", "gamma_", "beta_"})
        b.weight(v, {6});
      b.like("bn", "BatchNorm", {"c", "mean_", "var_", "gamma_", "beta_"});
      b.weight("m", {1, 6, 1, 1});
      b.like("mul", "Mul", {"bn", "m"});
      b.weight("a", {6, 1, 1});
      b.like("sub", "Sub", {"mul", "a"});
      b.weight("one", {1});
      b.op("from", "Sub", {"one", "sub"}, "", b.shape("sub"));
      b.like("relu", "Relu", {"from"});
      b.deconv("d", "relu", 6, {.kernel = 3, .stride = 2, .group = w.group, .pads = "1, 0, 0, 1"},
               1);
      b.weight("s", {6});
      b.weight("t", {6});
      b.like("scale", "Scale", {"d", "s", "t"}, "do_relu = true");
      auto m = b.build({"scale"});
      for (float &v : m.weights.find("var_")->as<float>())
        v = std::abs(v) + 0.1f;
      expectEqual(m, "Input Mul(relu) Conv(relu) Deconv(relu)");
    }
}

TEST(Equality, PreprocessingFoldsIntoEveryWindow) {
  for (const Window &w : kWindows)
    for (bool bias : {true, false}) {
      SCOPED_TRACE(fmt::format("kernel {} stride {} dilation {} group {} pads {} bias {}", w.kernel,
                               w.stride, w.dilation, w.group, w.pads, bias));
      Builder b({1, 3, 9, 11});
      b.conv("c", b.meanStd(), 6, w, bias);
      b.like("relu", "Relu", {"c"});
      auto report = expectEqual(b.build({"relu"}), "Input Conv(relu)");
      EXPECT_TRUE(report.notes.empty());
    }
}

TEST(Equality, PreprocessingFoldsThroughConcatsAndNestedOnes) {
  Builder b({1, 3, 9, 11});
  b.conv("c", b.meanStd(), 4, {});
  b.op("one", "Concat", {"c", "div"}, "axis = 1 : i64", {1, 7, 9, 11});
  b.conv("d", "one", 4, {.dilation = 2, .pads = "2, 2, 2, 2"});
  b.op("two", "Concat", {"div", "d", "one", "sub"}, "axis = 1 : i64", {1, 17, 9, 11});
  b.conv("e", "two", 5, {.stride = 2}, false);
  b.conv("f", "two", 2, {.kernel = 1, .pads = "0, 0, 0, 0"});
  // `sub` and `div` of the same image in one Concat: two maps of the same raw channels.
  auto report = expectEqual(b.build({"e", "f"}), "Input Conv Concat Conv Concat Conv Conv");
  EXPECT_TRUE(report.notes.empty());
}

TEST(Equality, ChannelOrderFolds) {
  for (const char *order : {"2, 1, 0", "1, 1, 0", "2"}) {
    Builder b({1, 3, 9, 11});
    int64_t n = order[1] ? 3 : 1;
    b.op("swap", "Gather", {"in"}, fmt::format("axis = 1 : i64, indices = array<i64: {}>", order),
         {1, n, 9, 11});
    b.weight("k", {1, 1, 1, 1});
    b.like("x", "Mul", {"swap", "k"});
    b.weight("o", {1, n, 1, 1});
    b.like("y", "Add", {"x", "o"});
    auto one = b;
    one.conv("c", "y", 4, {.kernel = 1, .pads = "0, 0, 0, 0"});
    one.op("join", "Concat", {"y", "c"}, "axis = 1 : i64", {1, n + 4, 9, 11});
    one.conv("d", "join", 2, {.kernel = 1, .stride = 2, .pads = "0, 0, 0, 0"});
    expectEqual(one.build({"d"}), "Input Conv Concat Conv");
  }
  // Slice with step -1 is the other way to write it; with padding.
  Builder b({1, 3, 9, 11});
  b.op("rev", "Slice", {"in"},
       "offset = array<i64: 0, 2, 0, 0>, steps = array<i64: 1, -1, 1, 1>, sizes = array<i64: 1, 3, "
       "9, "
       "11>",
       {1, 3, 9, 11});
  b.weight("mean", {1, 3, 1, 1});
  b.like("sub", "Sub", {"rev", "mean"});
  b.conv("c", "sub", 4, {.stride = 2});
  auto m = b.build({"c"});
  expectEqual(m, "Input Conv");
  optimized(m);
  auto conv = llvm::cast<top::ConvOp>(opNamed(m, "c"));
  EXPECT_THAT(*conv.getPadValue(), testing::ElementsAre(103.53f, 116.28f, 123.675f));
}

TEST(Equality, OnePaddedChannelWithTwoMeaningsStays) {
  // Both channels are raw channel 1, but a padding cell would have to be -o0 and -o1 at once.
  Builder b({1, 3, 9, 11});
  b.op("twice", "Gather", {"in"}, "axis = 1 : i64, indices = array<i64: 1, 1>", {1, 2, 9, 11});
  b.weight("o", {1, 2, 1, 1});
  b.like("y", "Add", {"twice", "o"});
  b.conv("c", "y", 4, {});
  auto report = expectEqual(b.build({"c"}), "Input Gather Add Conv");
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_THAT(report.notes[0], testing::HasSubstr("no raw value stands for its padding"));
}

TEST(Equality, GroupsKeepTheirChannels) {
  Builder b({1, 3, 9, 11});
  b.op("swap", "Gather", {"in"}, "axis = 1 : i64, indices = array<i64: 2, 1, 0>", {1, 3, 9, 11});
  b.conv("c", "swap", 6, {.group = 3});
  auto report = expectEqual(b.build({"c"}), "Input Gather Conv");
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_THAT(report.notes[0], testing::HasSubstr("grouped convolution"));
}

TEST(Equality, CropBehindADeconvIsNotMade) {
  struct Case {
    std::array<int64_t, 2> from, size;
    const char *ops;
  };
  Window up{.kernel = 3, .stride = 2, .pads = "0, 0, 0, 0"};
  for (const Case &c :
       {Case{{0, 0}, {10, 12}, "Input Deconv"}, // output padding, then a row each
        Case{{1, 2}, {9, 10}, "Input Deconv"}, Case{{2, 1}, {8, 10}, "Input Deconv"},
        // Three rows in front are more than the window reaches past them.
        Case{{3, 0}, {8, 12}, "Input Deconv Slice"}}) {
    Builder b({1, 3, 5, 6});
    b.deconv("d", "in", 4, up, 1); // 12 x 14
    b.op("cut", "Slice", {"d"},
         fmt::format("offset = array<i64: 0, 0, {}, {}>, steps = array<i64: 1, 1, 1, 1>, sizes = "
                     "array<i64: 1, 4, {}, {}>",
                     c.from[0], c.from[1], c.size[0], c.size[1]),
         {1, 4, c.size[0], c.size[1]});
    auto both = b;
    expectEqual(b.build({"cut"}), c.ops);
    expectEqual(both.build({"cut", "d"}), "Input Deconv Slice"); // somebody wants all of it
  }
  Builder channels({1, 3, 5, 6});
  channels.deconv("d", "in", 4, up, 1);
  channels.op("cut", "Slice", {"d"},
              "offset = array<i64: 0, 1, 0, 0>, steps = array<i64: 1, 1, 1, 1>, sizes = "
              "array<i64: 1, 2, 10, 12>",
              {1, 2, 10, 12});
  expectEqual(channels.build({"cut"}), "Input Deconv Slice");
}

TEST(Equality, DeconvTakesAScaleButNoOffset) {
  Window up{.kernel = 3, .stride = 2, .pads = "1, 1, 0, 0"};
  Builder scaled({1, 3, 5, 6});
  scaled.weight("k", {1, 3, 1, 1});
  scaled.like("x", "Mul", {"in", "k"});
  scaled.deconv("d", "x", 4, up, 1);
  expectEqual(scaled.build({"d"}), "Input Deconv");
  Builder shifted({1, 3, 5, 6});
  shifted.deconv("d", shifted.meanStd(), 4, up, 1);
  auto report = expectEqual(shifted.build({"d"}), "Input Sub Div Deconv");
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_THAT(report.notes[0], testing::HasSubstr("transposed convolution behind an offset"));
}

// A step up as a UNet has it. `pads`: rows and columns behind the upsampled tensor.
ir::Module stepUp(int64_t h, int64_t w, bool skipFirst, bool bias, const std::string &between = "",
                  int64_t up = 5, int64_t oc = 6) {
  int64_t bottom = h % 2, right = w % 2;
  Builder b({2, 3, h, w});
  b.conv("skip", "in", 4, {}, true, ", do_relu = true");
  b.op("small", "MaxPool", {"skip"},
       "kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>",
       {2, 4, h / 2, w / 2});
  b.deconv("up", "small", up, {.kernel = 2, .stride = 2, .pads = "0, 0, 0, 0"});
  std::string x = "up";
  if (between == "relu")
    b.like(x = "clipped", "Relu", {"up"});
  if (bottom || right)
    b.op("padded", "Pad", {x},
         fmt::format("paddings = array<i64: 0, 0, 0, 0, 0, 0, {}, {}>", bottom, right),
         {2, up, h, w}),
        x = "padded";
  b.op("both", "Concat",
       skipFirst ? std::vector<std::string>{"skip", x} : std::vector{x, std::string("skip")},
       "axis = 1 : i64", {2, 4 + up, h, w});
  b.conv("c", "both", oc, {}, bias, bias ? ", do_relu = true" : "");
  return b.build(between == "output" ? std::vector<std::string>{"c", "both"}
                                     : std::vector<std::string>{"c"});
}

TEST(Equality, TransposedConvolutionComposesWithTheConvolutionBehindItsConcat) {
  for (auto [h, w] : {std::pair{8, 10}, {9, 10}, {8, 11}, {9, 7}, {2, 2}, {3, 2}, {2, 3}, {3, 3}})
    for (bool skipFirst : {true, false})
      for (bool bias : {true, false}) {
        SCOPED_TRACE(fmt::format("{} x {} skip first {} bias {}", h, w, skipFirst, bias));
        expectEqual(stepUp(h, w, skipFirst, bias),
                    bias ? "Input Conv(relu) MaxPool UpConv(relu)"
                         : "Input Conv(relu) MaxPool UpConv",
                    2e-5, {.compose = Composition::Always});
      }
}

TEST(Equality, CompositionStaysOutWhereItIsWrongOrDearer) {
  OptimizeOptions always{.compose = Composition::Always}, pays{.compose = Composition::WherePays};
  expectEqual(stepUp(8, 10, true, true, "relu"),
              "Input Conv(relu) MaxPool Deconv(relu) Concat Conv(relu)", 2e-5, always);
  expectEqual(stepUp(8, 10, true, true, "output"),
              "Input Conv(relu) MaxPool Deconv Concat Conv(relu)", 2e-5, always);
  // 5 upsampled channels cost the cube as much as 64: 10 steps, composed 13.
  expectEqual(stepUp(8, 10, true, true), "Input Conv(relu) MaxPool Deconv Concat Conv(relu)", 2e-5,
              pays);
  // 61 of them need a second slot in the convolution: 19 steps, composed 13.
  expectEqual(stepUp(8, 10, true, true, "", 61), "Input Conv(relu) MaxPool UpConv(relu)", 2e-5,
              pays);
  expectEqual(stepUp(8, 10, true, true, "", 61),
              "Input Conv(relu) MaxPool Deconv Concat Conv(relu)", 2e-5, {});
}

TEST(Equality, PadInFrontOfTheFirstConvIsZeroInTheTransformedImage) {
  Builder b({1, 3, 9, 11});
  std::string x = b.meanStd();
  b.op("pad", "Pad", {x}, "paddings = array<i64: 0, 0, 1, 2, 0, 0, 3, 0>", {1, 3, 13, 13});
  b.conv("c", "pad", 4, {.stride = 2, .pads = "0, 0, 0, 0"});
  expectEqual(b.build({"c"}), "Input Conv");
  Builder valued({1, 3, 9, 11});
  x = valued.meanStd();
  valued.op("pad", "Pad", {x}, "paddings = array<i64: 0, 0, 1, 2, 0, 0, 3, 0>, val = 0.5 : f64",
            {1, 3, 13, 13});
  valued.conv("c", "pad", 4, {.pads = "0, 0, 0, 0"});
  expectEqual(valued.build({"c"}), "Input Conv");
}

TEST(Equality, ScaleZeroChannel) {
  Builder b({1, 3, 9, 11});
  b.weight("k", {1, 3, 1, 1});
  b.like("x", "Mul", {"in", "k"});
  b.conv("c", "x", 4, {});
  auto m = b.build({"c"});
  setWeight(m, "k", {0.5f, 0, 2});
  expectEqual(m, "Input Conv"); // 0 stays 0 in the padding too
  Builder offset({1, 3, 9, 11});
  offset.weight("k", {1, 3, 1, 1});
  offset.like("x", "Mul", {"in", "k"});
  offset.weight("o", {1, 3, 1, 1});
  offset.like("y", "Add", {"x", "o"});
  offset.conv("c", "y", 4, {});
  auto n = offset.build({"c"});
  setWeight(n, "k", {0.5f, 0, 2});
  expectEqual(n, "Input Mul Add Conv"); // a constant channel has no raw padding
}

TEST(Equality, SlicesAndNoops) {
  Builder b({1, 3, 9, 11});
  b.conv("c", "in", 4, {});
  b.op("s", "Slice", {"c"},
       "offset = array<i64: 0, 0, 1, 0>, steps = array<i64: 1, 1, 1, 1>, sizes = array<i64: 1, 4, "
       "7, "
       "11>",
       {1, 4, 7, 11});
  b.op("t", "Slice", {"s"},
       "offset = array<i64: 0, 0, 6, 2>, steps = array<i64: 1, 1, -3, 2>, sizes = array<i64: 1, 4, "
       "3, "
       "4>",
       {1, 4, 3, 4});
  b.op("p", "Permute", {"t"}, "order = array<i64: 0, 3, 1, 2>", {1, 4, 4, 3});
  b.op("q", "Permute", {"p"}, "order = array<i64: 0, 2, 1, 3>", {1, 4, 4, 3});
  b.op("x", "Reshape", {"q"}, "shape = array<i64: 16, 3>", {16, 3});
  b.op("y", "Reshape", {"x"}, "shape = array<i64: 1, 48>", {1, 48});
  b.like("r", "Relu", {"y"});
  b.like("rr", "Relu", {"r"});
  expectEqual(b.build({"rr"}), "Input Conv Slice Permute Reshape Relu", 0);
}

TEST(Equality, EqualizingConcatsChangesNoBit) {
  Builder b({1, 3, 9, 11});
  b.conv("c", "in", 4, {});
  b.like("r", "Relu", {"c"});
  b.deconv("d", "r", 4, {.kernel = 3, .pads = "0, 0, 0, 0"});
  b.op("s", "Slice", {"d"},
       "offset = array<i64: 0, 0, 0, 1>, steps = array<i64: 1, 1, 1, 1>, sizes = array<i64: 1, 4, "
       "9, "
       "11>",
       {1, 4, 9, 11});
  b.op("join", "Concat", {"s", "in", "r"}, "axis = 1 : i64", {1, 11, 9, 11});
  b.conv("e", "join", 5, {}, true,
         ", pad_value = array<f64: 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0>");
  b.conv("f", "join", 2, {.kernel = 1, .pads = "0, 0, 0, 0"});
  // `s` can grow by 32 through `d`; `r` too, as `d` takes its factor in.
  auto before = b.build({"e", "f"});
  auto after = before.clone();
  std::map<std::string, double> table = {{"input", 255}, {"c", 20}, {"r", 20},    {"d", 6.5},
                                         {"s", 6.5},     {"e", 9},  {"join", 255}};
  auto scaled = equalizeConcats(after, table, 8);
  ASSERT_TRUE(scaled) << scaled.error().text();
  std::map<std::string, std::pair<std::string, double>> by;
  for (const ScaledTensor &t : *scaled)
    by[t.from] = {t.to, t.factor};
  EXPECT_EQ(by["s"], std::make_pair(std::string("s_x32"), 32.0));
  EXPECT_EQ(by["d"], std::make_pair(std::string("d_x32"), 32.0));
  EXPECT_EQ(by["r"], std::make_pair(std::string("r_x8"), 8.0));
  EXPECT_EQ(by["c"].second, 8);
  EXPECT_EQ(by["join"].second, 1);
  EXPECT_FALSE(by.count("input"));
  for (const Tensor &image : images({1, 3, 9, 11})) {
    TensorMap inputs;
    inputs.set("input", image);
    TensorMap x = outputsOf(before, inputs), y = outputsOf(after, inputs);
    for (const char *name : {"e", "f"}) {
      auto p = x.find(name)->as<float>(), q = y.find(name)->as<float>();
      EXPECT_TRUE(std::equal(p.begin(), p.end(), q.begin(), q.end())) << name;
    }
  }
}

TEST(Equality, EqualizingLeavesWhatCannotGrow) {
  for (int kind = 0; kind < 4; ++kind) {
    Builder b({1, 3, 9, 11});
    b.conv("c", "in", 4, {});
    std::string part = "c";
    if (kind == 0) // no factor passes a sigmoid
      b.like(part = "s", "Sigmoid", {"c"});
    b.op("join", "Concat", {part, "in"}, "axis = 1 : i64", {1, 7, 9, 11});
    if (kind == 1) // nor can a pooled Concat give its factor back
      b.op("e", "MaxPool", {"join"},
           "kernel_shape = array<i64: 1, 1>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, "
           "0, 0>",
           {1, 7, 5, 6});
    else
      b.conv("e", "join", 7, {.group = kind == 2 ? 7 : 1});
    auto m = kind == 3 ? b.build({"e", "c"}) : b.build({"e"});
    std::string text = m.text();
    auto scaled = equalizeConcats(m, {{"input", 255}, {"c", 3}, {"s", 1}, {"join", 255}}, 8);
    ASSERT_TRUE(scaled);
    EXPECT_TRUE(scaled->empty()) << kind;
    EXPECT_EQ(m.text(), text);
  }
}

// Channel 1 - channel 0 of a two-class head, for kernels, pads and odd sizes; a Softmax becomes a
// Sigmoid.
TEST(OneChannelHead, IsTheDifferenceOfTheClasses) {
  int seen = 0;
  for (int kernel : {1, 3})
    for (const Shape &size : {Shape{1, 3, 7, 5}, Shape{2, 4, 9, 16}, Shape{1, 1, 1, 3}})
      for (const char *tail : {"", "Softmax", "Arg", "SoftmaxArg"}) {
        std::string end = tail;
        Builder b(size);
        Window w;
        w.kernel = kernel;
        w.pads = kernel == 3 ? "1, 1, 1, 1" : "0, 0, 0, 0";
        b.conv("logits", "in", 2, w, kernel == 3);
        std::string last = "logits";
        if (end.starts_with("Softmax")) {
          b.op("soft", "Softmax", {last}, "axis = 1 : i64", {size[0], 2, size[2], size[3]});
          last = "soft";
        }
        if (end.ends_with("Arg")) {
          b.op("arg", "Arg", {last}, "axis = 1 : i64", {size[0], 1, size[2], size[3]});
          last = "arg";
        }
        ir::Module before = b.build({last}), after = before.clone();
        optimized(after);
        auto note = oneChannelHead(after);
        ASSERT_TRUE(note) << note.error().text();
        EXPECT_EQ(opsOf(after), end == "Softmax" ? "Input Conv Sigmoid" : "Input Conv");
        TensorMap inputs;
        inputs.set("input", randomTensor(size, uint32_t(++seen)));
        TensorMap x = outputsOf(before, inputs), y = outputsOf(after, inputs);
        ASSERT_EQ(y.size(), 1u);
        EXPECT_FALSE(x.contains(y.begin()->first)) << "another tensor under the old name";
        auto two = x.begin()->second.as<float>(), one = y.begin()->second.as<float>();
        int64_t plane = size[2] * size[3];
        for (int64_t i = 0; i < int64_t(one.size()); ++i) {
          int64_t at = i / plane * 2 * plane + i % plane;
          if (end.ends_with("Arg"))
            EXPECT_EQ(two[i] == 1, one[i] > 0);
          else if (end == "Softmax")
            EXPECT_NEAR(one[i], two[at + plane], 1e-6);
          else
            EXPECT_NEAR(one[i], two[at + plane] - two[at], 1e-5);
        }
      }
  EXPECT_EQ(seen, 24);
}

TEST(OneChannelHead, RefusesByName) {
  auto refusal = [](const std::function<std::vector<std::string>(Builder &)> &fill) {
    Builder b({1, 3, 6, 6});
    ir::Module m = b.build(fill(b));
    std::string before = m.text();
    auto note = oneChannelHead(m);
    EXPECT_FALSE(note) << m.text();
    EXPECT_EQ(m.text(), before);
    return note ? std::string() : note.error().text();
  };
  Window w;
  EXPECT_THAT(
      refusal([&](Builder &b) {
        b.conv("c", "in", 3, w);
        return std::vector<std::string>{"c"};
      }),
      testing::HasSubstr("'c' (Conv): error[no-two-class-head]: has 3 channel(s), not two"));
  EXPECT_THAT(refusal([&](Builder &b) {
                b.conv("c", "in", 2, w);
                b.op("s", "Sigmoid", {"c"}, "", {1, 2, 6, 6});
                return std::vector<std::string>{"s"};
              }),
              testing::HasSubstr("'s' (Sigmoid): error[no-two-class-head]: is not a Conv"));
  EXPECT_THAT(refusal([&](Builder &b) {
                b.conv("c", "in", 2, w);
                b.op("s", "Softmax", {"c"}, "axis = 1 : i64", {1, 2, 6, 6});
                return std::vector<std::string>{"c", "s"};
              }),
              testing::HasSubstr("has 2 outputs"));
  EXPECT_THAT(refusal([&](Builder &b) {
                b.conv("c", "in", 2, w);
                b.op("s", "Softmax", {"c"}, "axis = 3 : i64", {1, 2, 6, 6});
                return std::vector<std::string>{"s"};
              }),
              testing::HasSubstr("does not work over the channels"));
  EXPECT_THAT(refusal([&](Builder &b) {
                b.conv("c", "in", 2, w, true, ", do_relu = true");
                return std::vector<std::string>{"c"};
              }),
              testing::HasSubstr("has a ReLU"));
}

} // namespace
} // namespace tessera::optimize
