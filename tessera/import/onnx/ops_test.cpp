// One small ONNX model per op and form: the text emitted for it.
#include "tessera/import/onnx/node.h"
#include "tessera/import/onnx/testing.h"

#include "onnx/shape_inference/implementation.h"

namespace tessera::onnx_import {
namespace {

using ::testing::AllOf;
using testing::Builder;
using ::testing::HasSubstr;
using ::testing::Not;
using T = onnx::TensorProto;

/// Every op's shape, as ONNX's own inference sees it too, where that library knows the opset.
void expectOnnxShapes(const Builder &b, const ir::Module &m) {
  onnx::ModelProto inferred = b.model;
  if (inferred.opset_import(0).version() > 17)
    return;
  onnx::shape_inference::InferShapes(inferred, onnx::OpSchemaRegistry::Instance(),
                                     onnx::ShapeInferenceOptions(false, 1, true));
  std::map<std::string, Shape> shapes;
  auto take = [&](const onnx::ValueInfoProto &v) {
    Shape s;
    for (const auto &d : v.type().tensor_type().shape().dim())
      s.push_back(d.has_dim_value() ? d.dim_value() : -1);
    if (v.type().tensor_type().has_shape())
      shapes[v.name()] = s;
  };
  for (const auto &v : inferred.graph().value_info())
    take(v);
  for (const auto &v : inferred.graph().output())
    take(v);
  m.op().walk([&](mlir::Operation *op) {
    auto from = ir::originOf(op);
    if (from.empty() || llvm::isa<top::WeightOp>(op))
      return;
    const auto &node = b.model.graph().node(int(from[0]));
    for (const auto &o : node.output()) {
      auto it = shapes.find(o);
      if (it != shapes.end() && ir::nameOf(op) == o + "_" + node.op_type() &&
          !llvm::is_contained(it->second, -1)) {
        EXPECT_EQ(ir::shapeOf(op->getResult(0)), it->second) << o;
      }
    }
  });
}

std::string textOf(const Builder &b, const ImportOptions &options = {}) {
  auto m = b.load(options);
  if (!m)
    return "errors:\n" + m.error().text();
  expectOnnxShapes(b, *m);
  return m->text();
}

/// The line that makes the tensor `name`.
std::string lineOf(const std::string &text, const std::string &name) {
  size_t at = text.find("loc(\"" + name + "\")");
  if (at == std::string::npos)
    return "no tensor '" + name + "' in:\n" + text;
  size_t begin = text.rfind('\n', at) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}

TEST(Ops, ConvWithBiasGroupAndDilation) {
  Builder b;
  b.input("x", {1, 4, 9, 8}).floats("w", {6, 2, 3, 3}).floats("bias", {6}).output("y");
  b.node("Conv", {"x", "w", "bias"}, {"y"})
      .a("group", 2)
      .is("dilations", {2, 1})
      .is("pads", {2, 1, 2, 1})
      .is("strides", {1, 2})
      .is("kernel_shape", {3, 3});
  std::string t = textOf(b);
  EXPECT_THAT(lineOf(t, "y_Conv"),
              AllOf(HasSubstr("top.Conv"), HasSubstr("dilations = array<i64: 2, 1>"),
                    HasSubstr("group = 2"), HasSubstr("pads = array<i64: 2, 1, 2, 1>"),
                    HasSubstr("strides = array<i64: 1, 2>"), HasSubstr("from = array<i64: 0>"),
                    HasSubstr("-> tensor<1x6x9x4xf32>")));
  EXPECT_THAT(t, AllOf(HasSubstr("top.Weight  {from = array<i64: 0>, id = 1 : i64}"),
                       HasSubstr("loc(\"w\")"), HasSubstr("loc(\"bias\")"),
                       HasSubstr("top.state = \"TOP_F32\"")));
}

struct AutoPad {
  const char *mode;
  int64_t kernel, stride;
  const char *pads, *size;
};
class ConvAutoPad : public ::testing::TestWithParam<AutoPad> {};
TEST_P(ConvAutoPad, GivesThePads) {
  auto p = GetParam();
  Builder b;
  b.input("x", {1, 1, 7, 8}).floats("w", {1, 1, p.kernel, p.kernel}).output("y");
  b.node("Conv", {"x", "w"}, {"y"}).s("auto_pad", p.mode).is("strides", {p.stride, p.stride});
  EXPECT_THAT(lineOf(textOf(b), "y_Conv"), AllOf(HasSubstr(p.pads), HasSubstr(p.size)));
}
INSTANTIATE_TEST_SUITE_P(
    Ops, ConvAutoPad,
    ::testing::Values(
        AutoPad{"SAME_UPPER", 3, 2, "pads = array<i64: 1, 0, 1, 1>", "-> tensor<1x1x4x4xf32>"},
        AutoPad{"SAME_LOWER", 3, 2, "pads = array<i64: 1, 1, 1, 0>", "-> tensor<1x1x4x4xf32>"},
        AutoPad{"SAME_UPPER", 4, 1, "pads = array<i64: 1, 1, 2, 2>", "-> tensor<1x1x7x8xf32>"},
        AutoPad{"SAME_UPPER", 1, 3, "pads = array<i64: 0, 0, 0, 0>", "-> tensor<1x1x3x3xf32>"},
        AutoPad{"VALID", 3, 1, "pads = array<i64: 0, 0, 0, 0>", "-> tensor<1x1x5x6xf32>"}));

TEST(Ops, ConvTransposeSwapsTheFilterWithinEachGroup) {
  Builder b;
  std::vector<float> w(4 * 3 * 2 * 1);
  for (size_t i = 0; i < w.size(); ++i)
    w[i] = float(i);
  b.input("x", {1, 4, 5, 5}).floats("w", {4, 3, 2, 1}, w).output("y");
  b.node("ConvTranspose", {"x", "w"}, {"y"})
      .a("group", 2)
      .is("strides", {2, 2})
      .is("output_padding", {1, 0})
      .is("dilations", {2, 1});
  auto m = b.load();
  ASSERT_TRUE(m) << m.error().text();
  expectOnnxShapes(b, *m);
  EXPECT_THAT(lineOf(m->text(), "y_ConvTranspose"),
              AllOf(HasSubstr("top.Deconv"), HasSubstr("output_padding = array<i64: 1, 0>"),
                    HasSubstr("group = 2"), HasSubstr("-> tensor<1x6x12x9xf32>")));
  const Tensor *t = m->weights.find("w");
  ASSERT_NE(t, nullptr);
  ASSERT_EQ(t->shape(), (Shape{6, 2, 2, 1}));
  for (int64_t g = 0; g < 2; ++g)
    for (int64_t o = 0; o < 3; ++o)
      for (int64_t i = 0; i < 2; ++i)
        for (int64_t k = 0; k < 2; ++k)
          EXPECT_EQ(t->as<float>()[size_t((((g * 3 + o) * 2) + i) * 2 + k)],
                    float((((g * 2 + i) * 3) + o) * 2 + k));
}

TEST(Ops, ConvTransposeOutputShapeAndAutoPad) {
  auto make = [](auto set) {
    Builder b;
    b.input("x", {1, 1, 5, 5}).floats("w", {1, 1, 4, 4}).output("y");
    b.node("ConvTranspose", {"x", "w"}, {"y"}).is("strides", {2, 2});
    set(b);
    return lineOf(b.text(), "y_ConvTranspose");
  };
  // Without pads the result is 12 long.
  EXPECT_THAT(
      make([](Builder &b) { b.is("output_shape", {9, 12}); }),
      AllOf(HasSubstr("pads = array<i64: 2, 0, 1, 0>"), HasSubstr("-> tensor<1x1x9x12xf32>")));
  EXPECT_THAT(
      make([](Builder &b) { b.is("output_shape", {9, 10}).s("auto_pad", "SAME_UPPER"); }),
      AllOf(HasSubstr("pads = array<i64: 1, 1, 2, 1>"), HasSubstr("-> tensor<1x1x9x10xf32>")));
  EXPECT_THAT(make([](Builder &b) { b.s("auto_pad", "SAME_LOWER"); }),
              HasSubstr("-> tensor<1x1x10x10xf32>"));
  EXPECT_THAT(make([](Builder &b) { b.is("output_shape", {14, 12}); }),
              AllOf(HasSubstr("unsupported-attribute"), HasSubstr("asks for 14 rows")));
}

TEST(Ops, SmallOnes) {
  Builder b(11);
  b.input("x", {1, 2, 4, 4})
      .output("y")
      .floats("g", {2})
      .floats("lo", {}, {0.f})
      .floats("hi", {}, {6.f});
  b.node("BatchNormalization", {"x", "g", "g", "g", "g"}, {"a"}).f("epsilon", 0.25f);
  b.node("Relu", {"a"}, {"b"});
  b.node("LeakyRelu", {"b"}, {"c"}).f("alpha", 0.125f);
  b.node("Clip", {"c", "lo", "hi"}, {"d"});
  b.node("Clip", {"d", "", "hi"}, {"d2"});
  b.node("Sigmoid", {"d2"}, {"e"});
  b.node("Dropout", {"e"}, {"f", "mask"});
  b.node("Identity", {"f"}, {"g2"});
  b.node("GlobalAveragePool", {"g2"}, {"h"});
  b.node("ArgMax", {"h"}, {"i"}).a("axis", -3).a("keepdims", 0);
  b.node("Cast", {"i"}, {"y"}).a("to", T::FLOAT);
  std::string t = textOf(b);
  EXPECT_THAT(lineOf(t, "a_BatchNormalization"), HasSubstr("epsilon = 2.500000e-01"));
  EXPECT_THAT(lineOf(t, "b_Relu"), HasSubstr("top.Relu"));
  EXPECT_THAT(lineOf(t, "c_LeakyRelu"), HasSubstr("alpha = 1.250000e-01"));
  EXPECT_THAT(lineOf(t, "d_Clip"),
              AllOf(HasSubstr("max = 6.000000e+00"), HasSubstr("min = 0.000000e+00")));
  EXPECT_THAT(lineOf(t, "d2_Clip"), HasSubstr("min = -3.40282"));
  EXPECT_THAT(lineOf(t, "h_GlobalAveragePool"), AllOf(HasSubstr("kernel_shape = array<i64: 4, 4>"),
                                                      HasSubstr("tensor<1x2x1x1xf32>")));
  EXPECT_THAT(lineOf(t, "i_ArgMax"),
              AllOf(HasSubstr("axis = 1 : i64"), HasSubstr("keepdims = false"),
                    HasSubstr("tensor<1x1x1xf32>")));
  EXPECT_THAT(lineOf(t, "y_Cast"), HasSubstr("to = \"f32\""));
  EXPECT_THAT(t, AllOf(Not(HasSubstr("Dropout")), Not(HasSubstr("Identity"))));
}

TEST(Ops, Pools) {
  Builder b(10);
  b.input("x", {1, 2, 7, 7}).output("y");
  b.node("MaxPool", {"x"}, {"m"})
      .is("kernel_shape", {2, 2})
      .is("strides", {2, 2})
      .a("ceil_mode", 1);
  b.node("AveragePool", {"m"}, {"y"})
      .is("kernel_shape", {3, 3})
      .is("pads", {1, 1, 1, 1})
      .a("count_include_pad", 1);
  std::string t = textOf(b);
  EXPECT_THAT(lineOf(t, "m_MaxPool"),
              AllOf(HasSubstr("ceil_mode = true"), HasSubstr("tensor<1x2x4x4xf32>")));
  EXPECT_THAT(lineOf(t, "y_AveragePool"),
              AllOf(HasSubstr("top.AvgPool"), HasSubstr("count_include_pad = true")));
}

TEST(Ops, SoftmaxBefore13FlattensTheRest) {
  auto make = [](int64_t opset, std::optional<int64_t> axis, Shape shape) {
    Builder b(opset);
    b.input("x", shape).output("y").node("Softmax", {"x"}, {"y"});
    if (axis)
      b.a("axis", *axis);
    return textOf(b);
  };
  EXPECT_THAT(lineOf(make(13, {}, {1, 3, 4, 5}), "y_Softmax"), HasSubstr("axis = 3"));
  EXPECT_THAT(lineOf(make(13, 1, {1, 3, 4, 5}), "y_Softmax"), HasSubstr("axis = 1"));
  std::string flat = make(11, {}, {2, 3, 4, 5});
  EXPECT_THAT(lineOf(flat, "y_rows_Softmax"),
              AllOf(HasSubstr("top.Softmax"), HasSubstr("tensor<2x60xf32>")));
  EXPECT_THAT(lineOf(flat, "y_Softmax"),
              AllOf(HasSubstr("top.Reshape"), HasSubstr("-> tensor<2x3x4x5xf32>")));
  EXPECT_THAT(lineOf(make(11, 1, {1, 3, 1, 1}), "y_Softmax"),
              AllOf(HasSubstr("top.Softmax"), HasSubstr("axis = 1")));
}

TEST(Ops, PadForms) {
  auto line = [](Builder &b) { return lineOf(textOf(b), "y_Pad"); };
  Builder old(9);
  old.input("x", {1, 2, 4, 4})
      .output("y")
      .node("Pad", {"x"}, {"y"})
      .is("pads", {0, 0, 1, 2, 0, 0, 3, -1})
      .f("value", 2);
  EXPECT_THAT(line(old), AllOf(HasSubstr("paddings = array<i64: 0, 0, 1, 2, 0, 0, 3, -1>"),
                               HasSubstr("val = 2.0"), HasSubstr("-> tensor<1x2x8x5xf32>")));
  for (auto inputs : std::vector<std::vector<std::string>>{
           {"x", "p"}, {"x", "p", ""}, {"x", "p", "none"}, {"x", "p", "zero"}}) {
    Builder b(13);
    b.input("x", {1, 2, 4, 4})
        .output("y")
        .ints("p", {0, 0, 1, 0, 0, 0, 0, 0})
        .floats("none", {0})
        .floats("zero", {}, {0.f});
    b.node("Pad", inputs, {"y"});
    EXPECT_THAT(lineOf(b.text(), "y_Pad"), AllOf(HasSubstr("array<i64: 0, 0, 1, 0, 0, 0, 0, 0>"),
                                                 HasSubstr("-> tensor<1x2x5x4xf32>")));
  }
  Builder axes(18);
  axes.input("x", {1, 2, 4, 4}).output("y").ints("p", {1, 2, 3, 4}).ints("ax", {-1, 2});
  axes.node("Pad", {"x", "p", "", "ax"}, {"y"});
  EXPECT_THAT(line(axes), HasSubstr("paddings = array<i64: 0, 0, 2, 1, 0, 0, 4, 3>"));
  Builder none(13);
  none.input("x", {1, 2, 4, 4})
      .output("y")
      .ints("p", Ints(8, 0))
      .node("Pad", {"x", "p"}, {"z"})
      .s("mode", "reflect")
      .node("Relu", {"z"}, {"y"});
  EXPECT_THAT(textOf(none), Not(HasSubstr("top.Pad")));
}

TEST(Ops, ResizeForms) {
  auto make = [](int64_t opset, std::vector<std::string> inputs, auto set) {
    Builder b(opset);
    b.input("x", {1, 2, 4, 6})
        .output("y")
        .floats("empty", {0})
        .floats("up", {4}, {1, 1, 2, 2})
        .floats("odd", {4}, {1, 1, 1.5f, 0.5f})
        .floats("down", {4}, {1, 1, 0.75f, 0.5f});
    b.ints("sizes", {1, 2, 7, 9}).ints("hw", {8, 6}).floats("uphw", {2}, {2, 2});
    b.node(opset < 10 ? "Upsample" : "Resize", inputs, {"y"});
    set(b);
    return lineOf(b.text(), opset < 10 ? "y_Upsample" : "y_Resize");
  };
  auto plain = [](Builder &) {};
  EXPECT_THAT(make(7, {"x"}, [](Builder &b) { b.fs("scales", {1, 1, 2, 3}).s("mode", "nearest"); }),
              AllOf(HasSubstr("coord_mode = \"asymmetric\""), HasSubstr("nearest_mode = \"floor\""),
                    HasSubstr("-> tensor<1x2x8x18xf32>")));
  EXPECT_THAT(make(9, {"x", "up"}, [](Builder &b) { b.s("mode", "linear"); }),
              AllOf(HasSubstr("mode = \"linear\""),
                    HasSubstr("scale = array<f64: 2.000000e+00, 2.000000e+00>")));
  EXPECT_THAT(make(10, {"x", "up"}, plain),
              AllOf(HasSubstr("asymmetric"), HasSubstr("out_size = array<i64: 8, 12>")));
  EXPECT_THAT(make(10, {"x", "down"}, plain), AllOf(HasSubstr("nearest_mode = \"ceil\""),
                                                    HasSubstr("out_size = array<i64: 3, 3>")));
  EXPECT_THAT(make(11, {"x", "empty", "empty", "sizes"}, [](Builder &b) { b.s("mode", "linear"); }),
              AllOf(HasSubstr("coord_mode = \"half_pixel\""),
                    HasSubstr("out_size = array<i64: 7, 9>"),
                    HasSubstr("scale = array<f64: 1.750000e+00, 1.500000e+00>")));
  EXPECT_THAT(make(13, {"x", "", "odd"},
                   [](Builder &b) {
                     b.s("mode", "cubic")
                         .f("cubic_coeff_a", -0.5f)
                         .a("exclude_outside", 1)
                         .s("coordinate_transformation_mode", "align_corners");
                   }),
              AllOf(HasSubstr("mode = \"cubic\""), HasSubstr("cubic_coeff_a = -5.0"),
                    HasSubstr("exclude_outside = true"), HasSubstr("align_corners"),
                    HasSubstr("out_size = array<i64: 6, 3>")));
  EXPECT_THAT(
      make(18, {"x", "", "", "hw"},
           [](Builder &b) { b.is("axes", {2, 3}).s("nearest_mode", "floor"); }),
      AllOf(HasSubstr("out_size = array<i64: 8, 6>"), HasSubstr("nearest_mode = \"floor\"")));
  EXPECT_THAT(
      make(19, {"x", "", "uphw"},
           [](Builder &b) {
             b.is("axes", {3, 2}).s("coordinate_transformation_mode", "half_pixel_symmetric");
           }),
      AllOf(HasSubstr("half_pixel_symmetric"), HasSubstr("-> tensor<1x2x8x12xf32>")));
}

TEST(Ops, ArithmeticComparisonsAndWhere) {
  Builder b(16);
  b.input("x", {1, 3, 4, 4})
      .output("y", T::INT32)
      .floats("c", {3, 1, 1}, {1, 2, 3})
      .floats("half", {}, {0.5f});
  b.node("Sub", {"x", "c"}, {"s"}).node("Div", {"s", "c"}, {"d"}).node("Mul", {"c", "d"}, {"m"});
  b.node("Add", {"m", "x"}, {"a"})
      .node("Greater", {"a", "half"}, {"g"})
      .node("Where", {"g", "a", "half"}, {"w"});
  b.node("Max", {"w", "half"}, {"mx"})
      .node("LessOrEqual", {"mx", "x"}, {"l"})
      .node("Cast", {"l"}, {"y"})
      .a("to", T::INT32);
  std::string t = textOf(b);
  EXPECT_THAT(lineOf(t, "s_Sub"), HasSubstr("(tensor<1x3x4x4xf32>, tensor<3x1x1xf32>)"));
  EXPECT_THAT(lineOf(t, "m_Mul"), HasSubstr("(tensor<3x1x1xf32>, tensor<1x3x4x4xf32>)"));
  EXPECT_THAT(
      lineOf(t, "g_Greater"),
      AllOf(HasSubstr("top.Compare"), HasSubstr("mode = \"Greater\""), HasSubstr("tensor<1xf32>")));
  EXPECT_THAT(lineOf(t, "w_Where"), HasSubstr("top.Where"));
  EXPECT_THAT(lineOf(t, "mx_Max"), AllOf(HasSubstr("top.Clip"), HasSubstr("min = 5.0")));
  EXPECT_THAT(lineOf(t, "l_LessOrEqual"), HasSubstr("mode = \"LessOrEqual\""));
  EXPECT_THAT(lineOf(t, "y_Cast"), HasSubstr("to = \"i32\""));
  // A weight used three times is stored once.
  EXPECT_EQ(t.find("loc(\"c\")"), t.rfind("loc(\"c\")"));
}

TEST(Ops, SlicesOfAllKinds) {
  auto make = [](std::vector<int64_t> starts, std::vector<int64_t> ends, std::vector<int64_t> axes,
                 std::vector<int64_t> steps) {
    Builder b(13);
    b.input("x", {1, 3, 8, 10})
        .output("y")
        .ints("s", starts)
        .ints("e", ends)
        .ints("a", axes)
        .ints("t", steps);
    b.node("Slice", {"x", "s", "e", "a", "t"}, {"y"});
    return lineOf(textOf(b), "y_Slice");
  };
  EXPECT_THAT(make({1, -3}, {INT64_MAX, -1}, {2, 3}, {1, 1}),
              AllOf(HasSubstr("offset = array<i64: 0, 0, 1, 7>"),
                    HasSubstr("sizes = array<i64: 1, 3, 7, 2>")));
  EXPECT_THAT(make({-1}, {INT64_MIN}, {1}, {-1}),
              AllOf(HasSubstr("offset = array<i64: 0, 2, 0, 0>"),
                    HasSubstr("sizes = array<i64: 1, 3, 8, 10>"),
                    HasSubstr("steps = array<i64: 1, -1, 1, 1>")));
  EXPECT_THAT(make({0, 9}, {100, 1}, {-2, -1}, {3, -4}),
              AllOf(HasSubstr("offset = array<i64: 0, 0, 0, 9>"),
                    HasSubstr("sizes = array<i64: 1, 3, 3, 2>"),
                    HasSubstr("steps = array<i64: 1, 1, 3, -4>")));
  EXPECT_THAT(make({2}, {3}, {2}, {INT64_MAX}), AllOf(HasSubstr("sizes = array<i64: 1, 3, 1, 10>"),
                                                      HasSubstr("steps = array<i64: 1, 1, 1, 1>")));
  EXPECT_THAT(make({5}, {5}, {2}, {1}),
              AllOf(HasSubstr("bad-shape"), HasSubstr("takes nothing of axis 2")));
  Builder old(9);
  old.input("x", {1, 3, 8, 10})
      .output("y")
      .node("Slice", {"x"}, {"y"})
      .is("starts", {1})
      .is("ends", {2})
      .is("axes", {1});
  EXPECT_THAT(lineOf(textOf(old), "y_Slice"), HasSubstr("sizes = array<i64: 1, 1, 8, 10>"));
}

TEST(Ops, SliceBackwardToIntMaxEndsAtTheFirst) {
  // ONNX's shape inference clamps to an empty result here, so it is not asked.
  Builder b(18);
  b.input("x", {1, 3, 8, 10}).output("y").ints("s", {3}).ints("e", {INT64_MAX});
  b.ints("a", {3}).ints("t", {-2}).node("Slice", {"x", "s", "e", "a", "t"}, {"y"});
  EXPECT_THAT(lineOf(b.text(), "y_Slice"), AllOf(HasSubstr("offset = array<i64: 0, 0, 0, 3>"),
                                                 HasSubstr("sizes = array<i64: 1, 3, 8, 2>")));
}

TEST(Ops, SplitIsSlices) {
  Builder b(18);
  b.input("x", {1, 5, 2, 2}).output("a").output("c");
  b.node("Split", {"x"}, {"a", "b", "c"}).a("axis", 1).a("num_outputs", 3);
  std::string t = textOf(b);
  EXPECT_THAT(lineOf(t, "a_Split"), HasSubstr("sizes = array<i64: 1, 2, 2, 2>"));
  EXPECT_THAT(lineOf(t, "c_Split"), AllOf(HasSubstr("offset = array<i64: 0, 4, 0, 0>"),
                                          HasSubstr("sizes = array<i64: 1, 1, 2, 2>")));
  Builder old(11);
  old.input("x", {1, 5, 2, 2})
      .output("a")
      .output("b")
      .node("Split", {"x"}, {"a", "b"})
      .a("axis", 1)
      .is("split", {1, 4});
  EXPECT_THAT(lineOf(textOf(old), "b_Split"), HasSubstr("offset = array<i64: 0, 1, 0, 0>"));
}

TEST(Ops, ShapesAndOrders) {
  Builder b(14);
  b.input("x", {2, 3, 4, 1})
      .output("y")
      .ints("s", {0, -1})
      .ints("ax", {0, -1})
      .ints("bgr", {2, 1, 0})
      .intTensor("two", {}, {-1});
  b.node("Gather", {"x", "bgr"}, {"g"}).a("axis", 1);
  b.node("Gather", {"g", "two"}, {"g1"}).a("axis", 2);
  b.node("Transpose", {"g1"}, {"t"}).is("perm", {1, 0, 2});
  b.node("Reshape", {"t", "s"}, {"r"})
      .node("Unsqueeze", {"r", "ax"}, {"u"})
      .node("Squeeze", {"u"}, {"q"})
      .node("Flatten", {"q"}, {"f"})
      .a("axis", 0);
  b.node("Transpose", {"f"}, {"y"});
  std::string t = textOf(b);
  EXPECT_THAT(lineOf(t, "g_Gather"),
              AllOf(HasSubstr("indices = array<i64: 2, 1, 0>"), HasSubstr("axis = 1")));
  EXPECT_THAT(lineOf(t, "g1_Gather"),
              AllOf(HasSubstr("indices = array<i64: 3>"), HasSubstr("keepdims = false"),
                    HasSubstr("-> tensor<2x3x1xf32>")));
  EXPECT_THAT(lineOf(t, "t_Transpose"),
              AllOf(HasSubstr("top.Permute"), HasSubstr("order = array<i64: 1, 0, 2>")));
  EXPECT_THAT(lineOf(t, "r_Reshape"), HasSubstr("-> tensor<3x2xf32>"));
  EXPECT_THAT(lineOf(t, "u_Unsqueeze"), HasSubstr("-> tensor<1x3x2x1xf32>"));
  EXPECT_THAT(lineOf(t, "q_Squeeze"), HasSubstr("-> tensor<3x2xf32>"));
  EXPECT_THAT(lineOf(t, "f_Flatten"), HasSubstr("-> tensor<1x6xf32>"));
  EXPECT_THAT(lineOf(t, "y_Transpose"), HasSubstr("order = array<i64: 1, 0>"));
}

TEST(Ops, ConcatMixesWeightsAndTensors) {
  Builder b;
  b.input("x", {1, 3, 2, 2})
      .output("y")
      .floats("c", {1, 1, 2, 2})
      .node("Concat", {"x", "c", "x"}, {"y"})
      .a("axis", -3);
  EXPECT_THAT(lineOf(textOf(b), "y_Concat"),
              AllOf(HasSubstr("axis = 1"), HasSubstr("-> tensor<1x7x2x2xf32>")));
}

TEST(Ops, ShapeArithmeticIsExact) {
  // The size that pads x to a multiple of 8, as exporters write it, with a float detour.
  Builder b(13);
  b.input("x", {1, 3, 30, 45})
      .output("y")
      .ints("i2", {2})
      .ints("i3", {3})
      .ints("eight", {8})
      .ints("zero", {0})
      .ints("six", {6})
      .floats("e", {1}, {8});
  b.node("Shape", {"x"}, {"sh"})
      .node("Gather", {"sh", "i2"}, {"h"})
      .node("Gather", {"sh", "i3"}, {"w"});
  b.node("Cast", {"h"}, {"hf"})
      .a("to", T::FLOAT)
      .node("Div", {"hf", "e"}, {"hd"})
      .node("Ceil", {"hd"}, {"hc"})
      .node("Cast", {"hc"}, {"hi"})
      .a("to", T::INT64);
  b.node("Mul", {"hi", "eight"}, {"hm"}).node("Sub", {"hm", "h"}, {"ph"});
  b.node("Neg", {"w"}, {"wn"}).node("Mod", {"wn", "eight"}, {"pw"});
  b.node("ConstantOfShape", {"six"}, {"z"});
  b.node("Cast", {"z"}, {"zi"})
      .a("to", T::INT64)
      .node("Concat", {"zi", "ph", "pw"}, {"p"})
      .a("axis", 0);
  b.node("Pad", {"x", "p"}, {"y"});
  EXPECT_THAT(lineOf(textOf(b), "y_Pad"),
              AllOf(HasSubstr("paddings = array<i64: 0, 0, 0, 0, 0, 0, 2, 3>"),
                    HasSubstr("-> tensor<1x3x32x48xf32>")));
}

TEST(Ops, OutputNamesCutTheGraph) {
  Builder b;
  b.input("x", {1, 3, 2, 2}).input("other", {1, 3, 2, 2}).output("y");
  b.node("Relu", {"x"}, {"r"}).node("Foo", {"r", "other"}, {"y"});
  ImportOptions options;
  options.outputNames = {"r"};
  options.modelName = "cut";
  std::string t = b.text(options);
  EXPECT_THAT(t, AllOf(HasSubstr("module @cut"), HasSubstr("return %1"), Not(HasSubstr("other"))));
}

TEST(Ops, ExternalDataIsRead) {
  Builder b;
  b.input("x", {1, 3, 2, 2})
      .output("y")
      .floats("c", {1, 3, 1, 1}, {1, 2, 3})
      .node("Mul", {"x", "c"}, {"y"});
  auto *t = b.graph().mutable_initializer(0);
  std::string bytes = "12345678" + t->raw_data();
  t->clear_raw_data();
  t->set_data_location(T::EXTERNAL);
  for (auto [k, v] : std::vector<std::pair<std::string, std::string>>{
           {"location", "net.data"}, {"offset", "8"}, {"length", "12"}}) {
    auto *e = t->add_external_data();
    e->set_key(k);
    e->set_value(v);
  }
  auto path = b.write();
  std::ofstream(path.parent_path() / "net.data", std::ios::binary) << bytes;
  auto m = importOnnx(path, {});
  ASSERT_TRUE(m) << m.error().text();
  EXPECT_EQ(m->weights.find("c")->as<float>()[2], 3.f);
  t->mutable_external_data(0)->set_value("../../etc/passwd");
  EXPECT_THAT(b.text(), HasSubstr("not a path inside the model's folder"));
}

TEST(Ops, HalfWeightsAndIntegerInputs) {
  Builder b;
  b.input("x", {1, 1, 2, 2}, T::UINT8)
      .output("y")
      .node("Cast", {"x"}, {"f"})
      .a("to", T::FLOAT)
      .node("Mul", {"f", "c"}, {"y"});
  auto *t = b.graph().add_initializer();
  t->set_name("c");
  t->set_data_type(T::DOUBLE);
  t->add_double_data(0.25);
  EXPECT_THAT(b.text(), HasSubstr("have types f32 and f64"));
  t->clear_double_data();
  t->set_data_type(T::FLOAT);
  t->add_float_data(0.25);
  EXPECT_THAT(lineOf(b.text(), "f_Cast"), HasSubstr("to = \"f32\""));
}

TEST(Ops, EveryOpTypeHasARule) {
  for (const auto &op : supportedOps())
    EXPECT_NE(ruleOf(op)->import, nullptr) << op;
  for (const char *op : {"Conv",
                         "ConvTranspose",
                         "BatchNormalization",
                         "Relu",
                         "LeakyRelu",
                         "Clip",
                         "Sigmoid",
                         "Softmax",
                         "ArgMax",
                         "MaxPool",
                         "AveragePool",
                         "GlobalAveragePool",
                         "Concat",
                         "Pad",
                         "Resize",
                         "Upsample",
                         "Add",
                         "Sub",
                         "Mul",
                         "Div",
                         "Less",
                         "Greater",
                         "Where",
                         "Gather",
                         "Slice",
                         "Cast",
                         "Reshape",
                         "Transpose",
                         "Identity",
                         "Dropout",
                         "Shape",
                         "Unsqueeze",
                         "Floor",
                         "ConstantOfShape"})
    EXPECT_NE(ruleOf(op), nullptr) << op;
}

} // namespace
} // namespace tessera::onnx_import
