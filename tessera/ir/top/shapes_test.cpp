// Every op's shape rule: one good line, and one mistake a line with the text of its error.
#include "tessera/ir/top/dialect.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <gmock/gmock.h>

namespace tessera {
namespace {

// The errors of a module that holds this one op on values %a, %b (1x4x8x10), %w, ... ; "" if it is
// right.
std::string errorsOf(const std::string &op) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<top::TopDialect>();
  std::string errors;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) {
    errors += d.str() + "\n";
    return mlir::success();
  });
  std::string text = R"(
    %a = top.Weight : () -> tensor<1x4x8x10xf32>
    %b = top.Weight : () -> tensor<1x4x8x10xf32>
    %w = top.Weight : () -> tensor<6x4x3x3xf32>
    %g = top.Weight : () -> tensor<6x2x3x3xf32>
    %c = top.Weight : () -> tensor<4xf32>
    %d = top.Weight : () -> tensor<6xf32>
    %e = top.Weight : () -> tensor<1x4x1x1xf32>
    %f = top.Weight : () -> tensor<1x3x8x10xf32>
)" + op;
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, mlir::ParserConfig(&context));
  return module ? "" : errors;
}

using testing::HasSubstr;

std::string conv(const std::string &operands, const std::string &attributes,
                 const std::string &types) {
  return "%r = top.Conv " + operands + " {" + attributes + "} : " + types;
}
const std::string kConvAttributes = "kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 1>, "
                                    "pads = array<i64: 1, 0, 1, 2>, dilations = array<i64: 1, 2>";
const std::string kConvTypes =
    "(tensor<1x4x8x10xf32>, tensor<6x4x3x3xf32>, tensor<6xf32>) -> tensor<1x6x4x8xf32>";

TEST(Shapes, Conv) {
  EXPECT_EQ(errorsOf(conv("%a, %w, %d", kConvAttributes, kConvTypes)), "");
  EXPECT_EQ(
      errorsOf(conv("%a, %w", kConvAttributes + ", pad_value = array<f64: 1.0, 2.0, 3.0, 4.0>",
                    "(tensor<1x4x8x10xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x4x8xf32>")),
      "");
  EXPECT_EQ(errorsOf(conv("%a, %g", kConvAttributes + ", group = 2 : i64",
                          "(tensor<1x4x8x10xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x4x8xf32>")),
            "");
  EXPECT_THAT(errorsOf(conv("%f, %w", kConvAttributes,
                            "(tensor<1x3x8x10xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x4x8xf32>")),
              HasSubstr("filter has 4 input channels a group (1 group), input has 3 channels"));
  EXPECT_THAT(errorsOf(conv("%a, %w", kConvAttributes,
                            "(tensor<1x4x8x10xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x5x8xf32>")),
              HasSubstr("result has shape [1, 6, 5, 8], its operands and attributes give "
                        "[1, 6, 4, 8]"));
  EXPECT_THAT(errorsOf(conv("%a, %w, %c", kConvAttributes,
                            "(tensor<1x4x8x10xf32>, tensor<6x4x3x3xf32>, tensor<4xf32>) -> "
                            "tensor<1x6x4x8xf32>")),
              HasSubstr("bias has shape [4], filter has 6 output channels"));
  EXPECT_THAT(errorsOf(conv("%a, %w", kConvAttributes + ", pad_value = array<f64: 1.0>",
                            "(tensor<1x4x8x10xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x4x8xf32>")),
              HasSubstr("pad_value has 1 entries, input has 4 channels"));
  EXPECT_THAT(errorsOf(conv("%a, %w", kConvAttributes + ", group = 3 : i64",
                            "(tensor<1x4x8x10xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x4x8xf32>")),
              HasSubstr("group 3 does not divide the channels: input has 4, output 6"));
  auto with = [&](const std::string &from, const std::string &to) {
    std::string a = kConvAttributes;
    a.replace(a.find(from), from.size(), to);
    return errorsOf(conv("%a, %w, %d", a, kConvTypes));
  };
  EXPECT_THAT(with("strides = array<i64: 2, 1>", "strides = array<i64: 0, 1>"),
              HasSubstr("strides is [0, 1], every entry must be at least 1"));
  EXPECT_THAT(with("strides = array<i64: 2, 1>", "strides = array<i64: 2>"),
              HasSubstr("strides has 1 entries, needs 2"));
  EXPECT_THAT(with("pads = array<i64: 1, 0, 1, 2>", "pads = array<i64: -1, 0, 1, 2>"),
              HasSubstr("pads is [-1, 0, 1, 2], every entry must be at least 0"));
  EXPECT_THAT(with("dilations = array<i64: 1, 2>", "dilations = array<i64: 1, 9>"),
              HasSubstr("window of 19 columns (kernel 3, dilation 9) is larger than the padded "
                        "input, 12"));
  EXPECT_THAT(with("kernel_shape = array<i64: 3, 3>", "kernel_shape = array<i64: 3, 2>"),
              HasSubstr("filter is 3x3, kernel_shape says 3x2"));
}

TEST(Shapes, Deconv) {
  auto deconv = [](const std::string &pads, const std::string &more, const std::string &size) {
    return "%r = top.Deconv %a, %w {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, "
           "pads = array<i64: " +
           pads + ">, dilations = array<i64: 1, 1>, output_padding = array<i64: " + more +
           ">} : (tensor<1x4x8x10xf32>, tensor<6x4x3x3xf32>) -> tensor<1x6x" + size + "xf32>";
  };
  EXPECT_EQ(errorsOf(deconv("0, 0, 0, 0", "1, 1", "18x22")), "");
  EXPECT_EQ(errorsOf(deconv("1, 0, 1, 2", "0, 1", "15x20")), "");
  EXPECT_THAT(errorsOf(deconv("9, 0, 9, 0", "0, 0", "1x21")),
              HasSubstr("pads [9, 0, 9, 0] leave a result of -1 rows"));
  EXPECT_THAT(errorsOf(deconv("0, 0, 0, 0", "-1, 0", "16x21")),
              HasSubstr("output_padding is [-1, 0], every entry must be at least 0"));
}

TEST(Shapes, Pooling) {
  auto pool = [](const std::string &kernel, const std::string &strides, const std::string &pads,
                 const std::string &ceil, const std::string &size) {
    return "%r = top.MaxPool %a {kernel_shape = array<i64: " + kernel +
           ">, strides = array<i64: " + strides + ">, pads = array<i64: " + pads +
           ">, ceil_mode = " + ceil + "} : (tensor<1x4x8x10xf32>) -> tensor<1x4x" + size + "xf32>";
  };
  EXPECT_EQ(errorsOf(pool("2, 2", "2, 2", "0, 0, 0, 0", "false", "4x5")), "");
  EXPECT_EQ(errorsOf(pool("3, 3", "2, 2", "0, 0, 0, 0", "true", "4x5")), "");
  // The window that would start behind the input and its front padding is left out.
  EXPECT_EQ(errorsOf(pool("2, 2", "4, 4", "0, 0, 1, 1", "true", "2x3")), "");
  EXPECT_THAT(errorsOf(pool("2, 2", "2, 2", "2, 0, 0, 0", "false", "5x5")),
              HasSubstr("window 0 of a column lies wholly in the padding"));
  EXPECT_THAT(errorsOf(pool("9, 1", "1, 1", "0, 0, 0, 0", "false", "1x10")),
              HasSubstr("window of 9 rows"));
  EXPECT_EQ(errorsOf("%r = top.AvgPool %a {kernel_shape = array<i64: 8, 10>, strides = array<i64: "
                     "1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x10xf32>) -> "
                     "tensor<1x4x1x1xf32>"),
            "");
}

TEST(Shapes, PerChannel) {
  EXPECT_EQ(errorsOf("%r = top.Scale %a, %c, %c : (tensor<1x4x8x10xf32>, tensor<4xf32>, "
                     "tensor<4xf32>) -> tensor<1x4x8x10xf32>"),
            "");
  EXPECT_THAT(errorsOf("%r = top.Scale %a, %c, %d : (tensor<1x4x8x10xf32>, tensor<4xf32>, "
                       "tensor<6xf32>) -> tensor<1x4x8x10xf32>"),
              HasSubstr("operand 2 has shape [6], input has 4 channels"));
  EXPECT_THAT(errorsOf("%r = top.BatchNorm %a, %c, %c, %c, %c {epsilon = -1.0 : f64} : "
                       "(tensor<1x4x8x10xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, "
                       "tensor<4xf32>) -> tensor<1x4x8x10xf32>"),
              HasSubstr("epsilon is -1"));
}

TEST(Shapes, ElementWise) {
  EXPECT_EQ(errorsOf("%r = top.Add %a, %e : (tensor<1x4x8x10xf32>, tensor<1x4x1x1xf32>) -> "
                     "tensor<1x4x8x10xf32>"),
            "");
  EXPECT_THAT(errorsOf("%r = top.Mul %a, %f : (tensor<1x4x8x10xf32>, tensor<1x3x8x10xf32>) -> "
                       "tensor<1x4x8x10xf32>"),
              HasSubstr("shapes [1, 4, 8, 10] and [1, 3, 8, 10] do not broadcast: axis 1 has sizes "
                        "4 and 3"));
  EXPECT_THAT(errorsOf("%r = top.Relu %a : (tensor<1x4x8x10xf32>) -> tensor<1x4x10x8xf32>"),
              HasSubstr("result has shape [1, 4, 10, 8]"));
  EXPECT_THAT(errorsOf("%r = top.Clip %a {min = 6.0 : f64, max = 0.0 : f64} : "
                       "(tensor<1x4x8x10xf32>) -> tensor<1x4x8x10xf32>"),
              HasSubstr("is not at most max"));
  EXPECT_THAT(errorsOf("%r = top.Compare %a, %e {mode = \"Above\"} : (tensor<1x4x8x10xf32>, "
                       "tensor<1x4x1x1xf32>) -> tensor<1x4x8x10xf32>"),
              HasSubstr("mode is 'Above', must be one of Greater, "));
  EXPECT_EQ(errorsOf("%r = top.Where %e, %a, %c2 : (tensor<1x4x1x1xf32>, tensor<1x4x8x10xf32>, "
                     "tensor<1xf32>) -> tensor<1x4x8x10xf32>\n"
                     "%c2 = top.Weight : () -> tensor<1xf32>"),
            "");
  EXPECT_THAT(errorsOf("%r = top.Cast %a {to = \"float\"} : (tensor<1x4x8x10xf32>) -> "
                       "tensor<1x4x8x10xf32>"),
              HasSubstr("to is 'float', must be one of f32, "));
}

TEST(Shapes, Axis) {
  EXPECT_THAT(errorsOf("%r = top.Softmax %a {axis = 4 : i64} : (tensor<1x4x8x10xf32>) -> "
                       "tensor<1x4x8x10xf32>"),
              HasSubstr("axis 4 is outside an input of rank 4"));
  EXPECT_EQ(errorsOf("%r = top.Arg %a {axis = 1 : i64, keepdims = false} : (tensor<1x4x8x10xf32>) "
                     "-> tensor<1x8x10xf32>"),
            "");
  EXPECT_EQ(errorsOf("%r = top.Concat %a, %f {axis = 1 : i64} : (tensor<1x4x8x10xf32>, "
                     "tensor<1x3x8x10xf32>) -> tensor<1x7x8x10xf32>"),
            "");
  EXPECT_THAT(errorsOf("%r = top.Concat %a, %f {axis = 2 : i64} : (tensor<1x4x8x10xf32>, "
                       "tensor<1x3x8x10xf32>) -> tensor<1x4x16x10xf32>"),
              HasSubstr("input 0 has shape [1, 4, 8, 10], input 1 has [1, 3, 8, 10]; they may "
                        "differ only along axis 2"));
  EXPECT_EQ(errorsOf("%r = top.Gather %a {axis = 1 : i64, indices = array<i64: 2, 0>} : "
                     "(tensor<1x4x8x10xf32>) -> tensor<1x2x8x10xf32>"),
            "");
  EXPECT_THAT(errorsOf("%r = top.Gather %a {axis = 1 : i64, indices = array<i64: 4>} : "
                       "(tensor<1x4x8x10xf32>) -> tensor<1x1x8x10xf32>"),
              HasSubstr("index 4 is outside axis 1 of size 4"));
}

TEST(Shapes, Rearranging) {
  EXPECT_EQ(errorsOf("%r = top.Pad %a {paddings = array<i64: 0, 0, 1, 2, 0, 0, 3, -4>} : "
                     "(tensor<1x4x8x10xf32>) -> tensor<1x4x12x8xf32>"),
            "");
  EXPECT_THAT(errorsOf("%r = top.Pad %a {paddings = array<i64: 0, 0, 1, 2>} : "
                       "(tensor<1x4x8x10xf32>) -> tensor<1x4x12x8xf32>"),
              HasSubstr("paddings has 4 entries, needs 8"));
  EXPECT_THAT(errorsOf("%r = top.Pad %a {paddings = array<i64: 0, 0, -9, 0, 0, 0, 9, 0>} : "
                       "(tensor<1x4x8x10xf32>) -> tensor<1x4x8x10xf32>"),
              HasSubstr("paddings -9 and 9 leave nothing of axis 2, which has size 8"));
  auto slice = [](const std::string &offset, const std::string &steps, const std::string &sizes,
                  const std::string &type) {
    return "%r = top.Slice %a {offset = array<i64: " + offset + ">, steps = array<i64: " + steps +
           ">, sizes = array<i64: " + sizes + ">} : (tensor<1x4x8x10xf32>) -> tensor<" + type +
           "xf32>";
  };
  EXPECT_EQ(errorsOf(slice("0, 3, 0, 1", "1, -1, 1, 3", "1, 4, 8, 3", "1x4x8x3")), "");
  EXPECT_THAT(errorsOf(slice("0, 0, 0, 1", "1, 1, 1, 3", "1, 4, 8, 4", "1x4x8x4")),
              HasSubstr("offset 1, step 3, size 4 leave axis 3, which has size 10"));
  EXPECT_THAT(
      errorsOf(slice("0, 0, 0, 0", "1, 1, 1, 9223372036854775807", "1, 4, 8, 2", "1x4x8x2")),
      HasSubstr("leave axis 3"));
  EXPECT_EQ(errorsOf("%r = top.Reshape %a {shape = array<i64: 4, 80>} : (tensor<1x4x8x10xf32>) -> "
                     "tensor<4x80xf32>"),
            "");
  EXPECT_THAT(errorsOf("%r = top.Reshape %a {shape = array<i64: 4, 70>} : (tensor<1x4x8x10xf32>) "
                       "-> tensor<4x70xf32>"),
              HasSubstr("shape [4, 70] does not hold the 320 elements of [1, 4, 8, 10]"));
  EXPECT_THAT(errorsOf("%r = top.Reshape %a {shape = array<i64: 4, 40>} : (tensor<1x4x8x10xf32>) "
                       "-> tensor<4x40xf32>"),
              HasSubstr("has 160 elements, input [1, 4, 8, 10] has 320"));
  EXPECT_THAT(errorsOf("%r = top.Permute %a {order = array<i64: 0, 1, 1, 3>} : "
                       "(tensor<1x4x8x10xf32>) -> tensor<1x4x4x10xf32>"),
              HasSubstr("order [0, 1, 1, 3] is not a permutation of 0 to 3"));
  EXPECT_THAT(errorsOf("%r = top.Interp %a {out_size = array<i64: 16, 20>, scale = array<f64: 2.0, "
                       "0.0>, mode = \"nearest\", coord_mode = \"asymmetric\"} : "
                       "(tensor<1x4x8x10xf32>) -> tensor<1x4x16x20xf32>"),
              HasSubstr("must be finite and above 0"));
}

TEST(Shapes, OnlyKnownSizesOfF32) {
  EXPECT_THAT(errorsOf("%r = top.Weight : () -> tensor<1x?xf32>"), HasSubstr("known and positive"));
  EXPECT_THAT(errorsOf("%r = top.Weight : () -> tensor<4xi8>"), HasSubstr("ranked tensor of f32"));
  EXPECT_THAT(errorsOf("%r = top.Weight : () -> tensor<0x4xf32>"), HasSubstr("known and positive"));
}

} // namespace
} // namespace tessera
