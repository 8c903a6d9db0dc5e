// The tpu verifiers: right ops pass, each wrong one says what is wrong.
#include "tessera/ir/tpu/dialect.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "tessera/ir/top/dialect.h"
#include <gmock/gmock.h>

namespace tessera {
namespace {

using testing::HasSubstr;

const std::string kI8 = "!quant.uniform<i8:f32, 0.5>";
const std::string kU8 = "!quant.uniform<u8:f32, 0.25>";
const std::string kCount = "!quant.uniform<u8:f32, 1.0>";

std::string tensor(const std::string &shape, const std::string &element) {
  return "tensor<" + shape + "x" + element + ">";
}

// Errors of one op on %a (i8, 1x4x8x10), %u (u8, same shape), %x (f32, same shape), %w (i8 filter),
// %b (i32 bias), ... ; "" if it verifies.
std::string errorsOf(const std::string &op) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<mlir::quant::QuantizationDialect, top::TopDialect, tpu::TpuDialect>();
  std::string errors;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) {
    errors += d.str() + "\n";
    return mlir::success();
  });
  std::string text = "%x = tpu.Weight : () -> " + tensor("1x4x8x10", "f32") +
                     "\n%a = tpu.Cast %x : (" + tensor("1x4x8x10", "f32") + ") -> " +
                     tensor("1x4x8x10", kI8) + "\n%u = tpu.Cast %x : (" +
                     tensor("1x4x8x10", "f32") + ") -> " + tensor("1x4x8x10", kU8) +
                     "\n%w = tpu.Weight : () -> tensor<2x4x3x3xi8>"
                     "\n%wf = tpu.Weight : () -> tensor<2x4x3x3xf32>"
                     "\n%b = tpu.Weight : () -> tensor<2xi32>\n" +
                     op;
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, mlir::ParserConfig(&context));
  return module ? "" : errors;
}

std::string unary(const std::string &name, const std::string &operand, const std::string &in,
                  const std::string &attributes, const std::string &out,
                  const std::string &shape = "1x4x8x10") {
  return errorsOf("%r = tpu." + name + " %" + operand + " {" + attributes + "} : (" +
                  tensor("1x4x8x10", in) + ") -> " + tensor(shape, out));
}

const std::string kWindow = "kernel_shape = array<i64: 3, 3>, strides = array<i64: 1, 1>, pads = "
                            "array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>";
const std::string kRequantize =
    ", multiplier = array<i32: 1000, 2147483647>, rshift = array<i32: 10, -32>";

std::string conv(const std::string &filter, const std::string &filterType, const std::string &more,
                 const std::string &out = kU8) {
  return errorsOf("%r = tpu.Conv2D %a, " + filter + ", %b {" + kWindow + more + "} : (" +
                  tensor("1x4x8x10", kI8) + ", tensor<2x4x3x3x" + filterType +
                  ">, tensor<2xi32>) -> " + tensor("1x2x8x10", out));
}

TEST(TpuVerify, Halves) {
  std::string cast = "%h = tpu.Cast %x : (tensor<1x4x8x10xf32>) -> tensor<1x4x8x10xf16>\n";
  auto ofHalf = [&](const std::string &op, const std::string &attributes, const std::string &out) {
    return errorsOf(cast + "%r = tpu." + op + " {" + attributes + "} : (tensor<1x4x8x10xf16>) -> " +
                    tensor("1x4x8x10", out));
  };
  EXPECT_EQ(ofHalf("Relu %h", "", "f16"), "");
  EXPECT_EQ(ofHalf("Cast %h", "", "f32"), "");
  EXPECT_THAT(ofHalf("Relu %h", "", "bf16"), HasSubstr("must be all of one float type"));
  EXPECT_THAT(ofHalf("Cast %h", "", "bf16"), HasSubstr("one must be f32"));
  EXPECT_THAT(ofHalf("Cast %h", "", kI8), HasSubstr("one must be f32"));
  auto pair = [&](const std::string &op, const std::string &attributes, const std::string &type) {
    return errorsOf(cast + "%r = tpu." + op + " {" + attributes + "} : (" +
                    tensor("1x4x8x10", type) + ", " + tensor("1x4x8x10", type) + ") -> " +
                    tensor("1x4x8x10", type));
  };
  EXPECT_EQ(pair("Sub %h, %h", "", "f16"), "");
  EXPECT_EQ(pair("Mul %h, %h", "", "f16"), "");
  EXPECT_EQ(pair("Div %x, %x", "", "f32"), "");
  EXPECT_THAT(pair("Div %h, %h", "", "f16"), HasSubstr("has no form in 'f16', only in f32"));
  EXPECT_THAT(pair("Sub %a, %a", "", kI8), HasSubstr("must be a float type"));
  EXPECT_THAT(pair("Compare %h, %h", "mode = \"Greater\"", "f16"), HasSubstr("only in f32"));
  EXPECT_THAT(pair("Compare %x, %x", "mode = \"Less\"", "f32"), HasSubstr("mode"));
  EXPECT_THAT(errorsOf("%r = tpu.Where %x, %a, %a : (tensor<1x4x8x10xf32>, " +
                       tensor("1x4x8x10", kI8) + ", " + tensor("1x4x8x10", kI8) + ") -> " +
                       tensor("1x4x8x10", kI8)),
              HasSubstr("must be a float type"));
  EXPECT_EQ(ofHalf("Clip %h", "min = 0.0 : f64, max = 6.0 : f64", "f16"), "");
  EXPECT_THAT(ofHalf("Clip %h", "min = 1.0 : f64, max = 0.0 : f64", "f16"),
              HasSubstr("is not at most max"));
  EXPECT_EQ(ofHalf("LeakyRelu %h", "alpha = 0.1 : f64", "f16"), "");
  EXPECT_THAT(ofHalf("LeakyRelu %h", "alpha = 1.1 : f64", "f16"), HasSubstr("must be from 0 to 1"));
  EXPECT_THAT(ofHalf("Compare %h", "mode = \"Less\", threshold = 0.1 : f64", "f16"),
              HasSubstr("has no form in 'f16', only in f32"));
  EXPECT_THAT(ofHalf("Sigmoid %h", "", "f16"), HasSubstr("both must be f32"));
  EXPECT_EQ(errorsOf(cast + "%r = tpu.Conv2D %h, %wf {" + kWindow +
                     "} : (tensor<1x4x8x10xf16>, tensor<2x4x3x3xf32>) -> tensor<1x2x8x10xf16>"),
            "");
}

TEST(TpuVerify, Conv2D) {
  EXPECT_EQ(conv("%w", "i8", kRequantize), "");
  EXPECT_EQ(conv("%w", "i8", kRequantize + ", pad_value = array<f64: -128.0, 0.0, 127.0, 1.0>"),
            "");
  EXPECT_THAT(conv("%w", "i8", kRequantize + ", pad_value = array<f64: 0.5, 0.0, 0.0, 0.0>"),
              HasSubstr("pad_value is 5.000000e-01, must be a whole number from -128 to 127"));
  EXPECT_THAT(conv("%w", "i8", ", multiplier = array<i32: 1>, rshift = array<i32: 1, 2>"),
              HasSubstr("multiplier has 1 entries, needs 2"));
  EXPECT_THAT(conv("%w", "i8", ", multiplier = array<i32: 1, 1>, rshift = array<i32: 1, 32>"),
              HasSubstr("rshift 32 is outside -32 to 31"));
  EXPECT_THAT(conv("%wf", "f32", kRequantize), HasSubstr("must be i8 or ui8 as the result is"));
  EXPECT_THAT(conv("%w", "i8", kRequantize, "f32"),
              HasSubstr("must be all of one float type or all quantized"));
  EXPECT_THAT(conv("%w", "i8", kRequantize + ", group = 2 : i64"),
              HasSubstr("filter has 4 input channels a group (2 groups), input has 4 channels"));
  auto floats = [&](const std::string &more) {
    return errorsOf("%r = tpu.Conv2D %x, %wf {" + kWindow + more + "} : (" +
                    tensor("1x4x8x10", "f32") + ", tensor<2x4x3x3xf32>) -> " +
                    tensor("1x2x8x10", "f32"));
  };
  EXPECT_EQ(floats(", do_relu = true"), "");
  EXPECT_THAT(floats(kRequantize), HasSubstr("multiplier has 2 entries, needs 0"));
}

TEST(TpuVerify, Deconv) {
  auto deconv = [](const std::string &more, const std::string &shape) {
    return errorsOf("%r = tpu.Deconv %a, %w {" + kWindow + more +
                    ", output_padding = array<i64: 0, 0>} : (" + tensor("1x4x8x10", kI8) +
                    ", tensor<2x4x3x3xi8>) -> " + tensor(shape, kI8));
  };
  EXPECT_EQ(deconv(kRequantize, "1x2x8x10"), "");
  EXPECT_THAT(deconv(kRequantize, "1x2x9x10"), HasSubstr("give [1, 2, 8, 10]"));
  EXPECT_THAT(deconv("", "1x2x8x10"), HasSubstr("multiplier has 0 entries, needs 2"));
}

TEST(TpuVerify, CastsBetweenFloatAndQuantized) {
  EXPECT_EQ(unary("Cast", "a", kI8, "", "f32"), "");
  EXPECT_THAT(unary("Cast", "a", kI8, "", kU8), HasSubstr("one must be f32, the other quantized"));
  EXPECT_THAT(unary("Cast", "x", "f32", "", "f32"), HasSubstr("one must be f32"));
  EXPECT_THAT(unary("Cast", "a", kI8, "", "f32", "1x4x10x8"), HasSubstr("give [1, 4, 8, 10]"));
}

TEST(TpuVerify, ScalesThatMustStay) {
  EXPECT_EQ(unary("Relu", "a", kI8, "", "!quant.uniform<u8:f32, 0.5>"), "");
  EXPECT_THAT(unary("Relu", "a", kI8, "", kU8), HasSubstr("input has scale 5.000000e-01, result "));
  EXPECT_EQ(unary("LeakyRelu", "a", kI8, "multiplier = 13 : i32, rshift = 7 : i32", kI8), "");
  EXPECT_THAT(unary("LeakyRelu", "a", kI8, "multiplier = 128 : i32, rshift = 7 : i32", kI8),
              HasSubstr("multiplier 128 must be smaller in magnitude than 128"));
  EXPECT_THAT(unary("LeakyRelu", "a", kI8, "multiplier = 13 : i32, rshift = 7 : i32",
                    "!quant.uniform<i8:f32, 0.125>"),
              HasSubstr("they must be equal"));
  const std::string pad = "paddings = array<i64: 0, 0, 1, 0, 0, 0, 0, 0>";
  EXPECT_EQ(unary("Pad", "a", kI8, pad, kI8, "1x4x9x10"), "");
  EXPECT_THAT(unary("Pad", "a", kI8, pad + ", val = 128.0 : f64", kI8, "1x4x9x10"),
              HasSubstr("val is 1.280000e+02, must be a whole number from -128 to 127"));
  EXPECT_THAT(unary("Pad", "a", kI8, pad, kU8, "1x4x9x10"), HasSubstr("they must be equal"));
  EXPECT_THAT(unary("Reshape", "a", kI8, "shape = array<i64: 320>", "f32", "320"),
              HasSubstr("must be all of one float type or all quantized"));
}

TEST(TpuVerify, Pool2D) {
  const std::string pool = "kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = "
                           "array<i64: 0, 0, 0, 0>";
  EXPECT_EQ(unary("Pool2D", "a", kI8, pool, kI8, "1x4x4x5"), "");
  const std::string average = pool + ", pool_mode = \"Avg\", rshift = 9 : i32, multiplier = ";
  EXPECT_EQ(unary("Pool2D", "a", kI8, average + "128 : i32", kI8, "1x4x4x5"), "");
  EXPECT_THAT(unary("Pool2D", "a", kI8, average + "256 : i32", kI8, "1x4x4x5"),
              HasSubstr("multiplier 256 must be smaller in magnitude than 256"));
  EXPECT_THAT(unary("Pool2D", "a", kI8, average + "128 : i32", kU8, "1x4x4x5"),
              HasSubstr("both must have one sign"));
  EXPECT_EQ(unary("Pool2D", "x", "f32", pool + ", pool_mode = \"Avg\"", "f32", "1x4x4x5"), "");
}

TEST(TpuVerify, AddAndMulShift) {
  auto add = [](const std::string &attributes) {
    return errorsOf("%r = tpu.Add %a, %u {" + attributes + "} : (" + tensor("1x4x8x10", kI8) +
                    ", " + tensor("1x4x8x10", kU8) + ") -> " + tensor("1x4x8x10", kI8));
  };
  EXPECT_EQ(add("multiplier = array<i32: 100, 3>, rshift = array<i32: 7, 0>"), "");
  EXPECT_THAT(add("multiplier = array<i32: 100>, rshift = array<i32: 7>"),
              HasSubstr("multiplier has 1 entries, needs 2"));
  EXPECT_THAT(add("multiplier = array<i32: 1, 1>, rshift = array<i32: 7, -1>"),
              HasSubstr("rshift -1 is outside 0 to 31"));
  EXPECT_EQ(unary("MulShift", "a", kI8, "multiplier = 126 : i32, rshift = 0 : i32", kU8), "");
  EXPECT_THAT(unary("MulShift", "a", kI8, "multiplier = 127 : i32, rshift = 0 : i32", kU8),
              HasSubstr("multiplier 127 must be smaller in magnitude than 127"));
  EXPECT_THAT(unary("MulShift", "a", kI8, "multiplier = -1 : i32, rshift = 0 : i32", kU8),
              HasSubstr("multiplier -1 must not be negative"));
}

TEST(TpuVerify, ConcatOfOneScale) {
  auto concat = [](const std::string &second, const std::string &type) {
    return errorsOf("%r = tpu.Concat %a, " + second + " {axis = 1 : i64} : (" +
                    tensor("1x4x8x10", kI8) + ", " + tensor("1x4x8x10", type) + ") -> " +
                    tensor("1x8x8x10", kI8));
  };
  EXPECT_EQ(concat("%a", kI8), "");
  EXPECT_THAT(concat("%u", kU8), HasSubstr("input 1 has elements '!quant.uniform<u8:f32, 2.5"));
}

TEST(TpuVerify, CountsAreU8WithScaleOne) {
  EXPECT_EQ(unary("Compare", "a", kI8, "mode = \"Greater\", threshold = 3.0 : f64", kCount), "");
  EXPECT_THAT(unary("Compare", "a", kI8, "mode = \"Greater\", threshold = 0.5 : f64", kCount),
              HasSubstr("threshold is 5.000000e-01, must be a whole number"));
  EXPECT_THAT(unary("Compare", "a", kI8, "mode = \"Greater\", threshold = 3.0 : f64", kU8),
              HasSubstr("must be u8 with scale 1"));
  EXPECT_THAT(unary("Compare", "a", kI8, "mode = \"Equal\", threshold = 3.0 : f64", kCount),
              HasSubstr("mode is 'Equal', must be one of Greater, Less"));
  EXPECT_EQ(unary("Arg", "a", kI8, "axis = 1 : i64", kCount, "1x1x8x10"), "");
  EXPECT_EQ(unary("Arg", "x", "f32", "axis = 1 : i64", "f32", "1x1x8x10"), "");
}

TEST(TpuVerify, TensorTypes) {
  for (const char *wrong :
       {"f64", "i64", "!quant.uniform<i8:f32, 0.5:3>", "!quant.uniform<i8<-127:127>:f32, 0.5>",
        "!quant.uniform<i16:f32, 0.5>"})
    EXPECT_THAT(errorsOf(std::string("%r = tpu.Weight : () -> tensor<4x") + wrong + ">"),
                HasSubstr("zero point 0"))
        << wrong;
  EXPECT_THAT(errorsOf("%r = tpu.Weight : () -> tensor<4xf16>"),
              HasSubstr("must be f32, i8, ui8, i32 or quantized"));
}

TEST(TpuVerify, FloatCarriesATopOp) {
  const std::string type = tensor("1x4x8x10", "f32");
  auto carried = [&](const std::string &op) {
    return errorsOf("%r = tpu.Float %x {op = \"" + op + "\", attrs = {}} : (" + type + ") -> " +
                    type);
  };
  EXPECT_EQ(carried("Sigmoid"), "");
  EXPECT_THAT(carried("Sigmoids"), HasSubstr("'Sigmoids', which is no op of the top dialect"));
}

} // namespace
} // namespace tessera
