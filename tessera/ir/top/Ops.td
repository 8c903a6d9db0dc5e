// The top dialect: the network in float, as imported and rewritten. Every tensor is f32; booleans
// and class numbers are whole numbers in f32. A tensor's name is its op's location.
#ifndef TESSERA_IR_TOP_OPS
#define TESSERA_IR_TOP_OPS

include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Top_Dialect : Dialect {
  let name = "top";
  let cppNamespace = "::tessera::top";
  let summary = "a segmentation network in float, with ONNX semantics and TPU-MLIR's names";
}

def ShapeInference : OpInterface<"ShapeInference"> {
  let cppNamespace = "::tessera";
  let description = [{Computes the shape of the op's only result from its operands and attributes.
    The verifier compares it with the type written; the importer and rewrites use it to set the type.}];
  let methods = [
    InterfaceMethod<"The result's shape, or failure after an error on the op with both values.",
      "::llvm::FailureOr<::llvm::SmallVector<int64_t>>", "inferShape">
  ];
  let verify = [{ return ::tessera::verifyInferredShape($_op); }];
}

def Top_Tensor : Type<CPred<"::tessera::isTopTensor($_self)">,
    "a ranked tensor of f32 whose sizes are known and positive", "::mlir::RankedTensorType">;

class Top_Op<string mnemonic, list<Trait> traits = []>
    : Op<Top_Dialect, mnemonic, !listconcat(traits, [Pure])> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let results = (outs Top_Tensor:$output);
}
/// An op whose result shape follows from operands and attributes: ir/top/<file>.cpp holds inferShape().
class Top_ShapedOp<string mnemonic, list<Trait> traits = []>
    : Top_Op<mnemonic, !listconcat(traits, [DeclareOpInterfaceMethods<ShapeInference>])>;

def Top_InputOp : Top_Op<"Input"> {
  let summary = "a network input with the pre-processing that stays outside the graph";
  let description = [{The tensor is what the network sees after the recipe: (resized pixel - mean) * scale.
    resize_dims is height, width before the centre crop; empty = the input's own size.}];
  let arguments = (ins Top_Tensor:$input,
    DefaultValuedAttr<DenseF64ArrayAttr, "{0.0, 0.0, 0.0}">:$mean,
    DefaultValuedAttr<DenseF64ArrayAttr, "{1.0, 1.0, 1.0}">:$scale,
    DefaultValuedStrAttr<StrAttr, "bgr">:$pixel_format,
    DefaultValuedStrAttr<StrAttr, "nchw">:$channel_format,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$resize_dims,
    DefaultValuedAttr<BoolAttr, "false">:$keep_aspect_ratio,
    DefaultValuedAttr<I64Attr, "0">:$pad_value,
    DefaultValuedStrAttr<StrAttr, "center">:$pad_type);
  let hasVerifier = 1;
}

def Top_WeightOp : Top_Op<"Weight"> {
  let summary = "a constant: the array of the weight file under the op's name";
  let arguments = (ins);
}

def Top_ConvOp : Top_ShapedOp<"Conv"> {
  let summary = "2-D convolution, optionally with ReLU";
  let description = [{filter is [oc, ic/group, kh, kw], bias [oc]. pads: top, left, bottom, right.
    pad_value: what padding cells hold, one value per input channel (absent = zeros); set when
    pre-processing with a mean was folded into the filter.
    Example: `%3 = top.Conv %0, %1, %2 {kernel_shape = array<i64: 3, 3>, ...}`}];
  let arguments = (ins Top_Tensor:$input, Top_Tensor:$filter, Optional<Top_Tensor>:$bias,
    DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
    DenseI64ArrayAttr:$dilations, DefaultValuedAttr<I64Attr, "1">:$group,
    DefaultValuedAttr<BoolAttr, "false">:$do_relu, OptionalAttr<DenseF64ArrayAttr>:$pad_value);
}

def Top_DeconvOp : Top_ShapedOp<"Deconv"> {
  let summary = "2-D transposed convolution, optionally with ReLU";
  let description = [{filter is [oc, ic/group, kh, kw]: the importer has swapped ONNX's first two axes
    (within each group). bias [oc].}];
  let arguments = (ins Top_Tensor:$input, Top_Tensor:$filter, Optional<Top_Tensor>:$bias,
    DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
    DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$output_padding,
    DefaultValuedAttr<I64Attr, "1">:$group, DefaultValuedAttr<BoolAttr, "false">:$do_relu);
}

def Top_UpConvOp : Top_ShapedOp<"UpConv"> {
  let summary = "a 2x2 stride-2 transposed convolution of input, concatenated with skip, under a 3x3 convolution";
  let description = [{Made by compose_upconv. input [n, ic, h, w], skip [n, sc, H, W], H = 2h or 2h + 1, W likewise.
    filter [4, oc, ic, 2, 2]: what output phase 2a + b reads of input at (i + a - 1 + t, j + b - 1 + s);
    skip_filter [oc, sc, 3, 3]; bias [oc, 4, 4] by classes of row and column: 0 inside, 1 first, 2 at 2h - 1,
    3 at 2h.}];
  let arguments = (ins Top_Tensor:$input, Top_Tensor:$skip, Top_Tensor:$filter, Top_Tensor:$skip_filter,
    Optional<Top_Tensor>:$bias, DefaultValuedAttr<BoolAttr, "false">:$do_relu);
}

def Top_BatchNormOp : Top_ShapedOp<"BatchNorm"> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * gamma + beta per channel; operands are [c]";
  let arguments = (ins Top_Tensor:$input, Top_Tensor:$mean, Top_Tensor:$variance, Top_Tensor:$gamma,
    Top_Tensor:$beta, DefaultValuedAttr<F64Attr, "1e-5">:$epsilon,
    DefaultValuedAttr<BoolAttr, "false">:$do_relu);
}

def Top_ScaleOp : Top_ShapedOp<"Scale"> {
  let summary = "x * scale + bias per channel; operands are [c]";
  let arguments = (ins Top_Tensor:$input, Top_Tensor:$scale, Top_Tensor:$bias,
    DefaultValuedAttr<BoolAttr, "false">:$do_relu);
}

class Top_UnaryOp<string mnemonic> : Top_ShapedOp<mnemonic> {
  let arguments = (ins Top_Tensor:$input);
}
def Top_ReluOp : Top_UnaryOp<"Relu"> { let summary = "max(x, 0)"; }
def Top_SigmoidOp : Top_UnaryOp<"Sigmoid"> { let summary = "1 / (1 + exp(-x))"; }
def Top_LeakyReluOp : Top_ShapedOp<"LeakyRelu"> {
  let summary = "x < 0 ? alpha * x : x";
  let arguments = (ins Top_Tensor:$input, F64Attr:$alpha);
}
def Top_ClipOp : Top_ShapedOp<"Clip"> {
  let summary = "min(max(x, min), max)";
  let arguments = (ins Top_Tensor:$input, F64Attr:$min, F64Attr:$max);
}
def Top_SoftmaxOp : Top_ShapedOp<"Softmax"> {
  let summary = "exp(x - max) / sum along axis; axis is not negative";
  let arguments = (ins Top_Tensor:$input, I64Attr:$axis);
}
def Top_ArgOp : Top_ShapedOp<"Arg"> {
  let summary = "index of the largest (ArgMax) or smallest (ArgMin) element along axis";
  let arguments = (ins Top_Tensor:$input, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "true">:$keepdims,
    DefaultValuedStrAttr<StrAttr, "ArgMax">:$mode,
    DefaultValuedAttr<BoolAttr, "false">:$select_last_index);
}

def Top_MaxPoolOp : Top_ShapedOp<"MaxPool"> {
  let summary = "maximum over a window; padding cells never win";
  let description = [{ceil_mode: the last window may start inside the input and hang over its padded end.}];
  let arguments = (ins Top_Tensor:$input, DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides,
    DenseI64ArrayAttr:$pads, DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations,
    DefaultValuedAttr<BoolAttr, "false">:$ceil_mode, DefaultValuedAttr<BoolAttr, "false">:$do_relu);
}
def Top_AvgPoolOp : Top_ShapedOp<"AvgPool"> {
  let summary = "mean over a window; also GlobalAveragePool, whose kernel is the whole plane";
  let arguments = (ins Top_Tensor:$input, DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides,
    DenseI64ArrayAttr:$pads, DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations,
    DefaultValuedAttr<BoolAttr, "false">:$count_include_pad,
    DefaultValuedAttr<BoolAttr, "false">:$ceil_mode, DefaultValuedAttr<BoolAttr, "false">:$do_relu);
}

def Top_ConcatOp : Top_ShapedOp<"Concat"> {
  let summary = "inputs side by side along axis (not negative)";
  let arguments = (ins Variadic<Top_Tensor>:$inputs, I64Attr:$axis);
}
def Top_PadOp : Top_ShapedOp<"Pad"> {
  let summary = "constant padding; negative amounts crop";
  let description = [{paddings: all begins, then all ends, as ONNX has them (2 * rank numbers).}];
  let arguments = (ins Top_Tensor:$input, DenseI64ArrayAttr:$paddings,
    DefaultValuedAttr<F64Attr, "0.0">:$val);
}
def Top_InterpOp : Top_ShapedOp<"Interp"> {
  let summary = "resize of the last two axes by ONNX Resize's rules";
  let description = [{mode: nearest, linear, cubic. coord_mode: half_pixel, pytorch_half_pixel, align_corners,
    asymmetric, half_pixel_symmetric. nearest_mode: round_prefer_floor, round_prefer_ceil, floor, ceil.
    scale: the factors used in the coordinate transform (h, w); out_size: the result's height and width.}];
  let arguments = (ins Top_Tensor:$input, DenseI64ArrayAttr:$out_size, DenseF64ArrayAttr:$scale,
    StrAttr:$mode, StrAttr:$coord_mode,
    DefaultValuedStrAttr<StrAttr, "round_prefer_floor">:$nearest_mode,
    DefaultValuedAttr<F64Attr, "-0.75">:$cubic_coeff_a,
    DefaultValuedAttr<BoolAttr, "false">:$exclude_outside);
}

class Top_BinaryOp<string mnemonic> : Top_ShapedOp<mnemonic> {
  let description = [{Shapes broadcast as in NumPy. Either side may be a Weight.}];
  let arguments = (ins Top_Tensor:$lhs, Top_Tensor:$rhs, DefaultValuedAttr<BoolAttr, "false">:$do_relu);
}
def Top_AddOp : Top_BinaryOp<"Add"> { let summary = "lhs + rhs"; }
def Top_SubOp : Top_BinaryOp<"Sub"> { let summary = "lhs - rhs"; }
def Top_MulOp : Top_BinaryOp<"Mul"> { let summary = "lhs * rhs"; }
def Top_DivOp : Top_BinaryOp<"Div"> { let summary = "lhs / rhs"; }

def Top_CompareOp : Top_ShapedOp<"Compare"> {
  let summary = "1 where lhs (mode) rhs holds, else 0; mode: Greater, GreaterOrEqual, Less, LessOrEqual, Equal";
  let arguments = (ins Top_Tensor:$lhs, Top_Tensor:$rhs, StrAttr:$mode);
}
def Top_WhereOp : Top_ShapedOp<"Where"> {
  let summary = "condition != 0 ? lhs : rhs, shapes broadcast";
  let arguments = (ins Top_Tensor:$cond, Top_Tensor:$lhs, Top_Tensor:$rhs);
}
def Top_GatherOp : Top_ShapedOp<"Gather"> {
  let summary = "the slices `indices` (constants, not negative) of one axis, in that order";
  let description = [{keepdims = false: one scalar index, the axis disappears.}];
  let arguments = (ins Top_Tensor:$input, DenseI64ArrayAttr:$indices, I64Attr:$axis,
    DefaultValuedAttr<BoolAttr, "true">:$keepdims);
}
def Top_SliceOp : Top_ShapedOp<"Slice"> {
  let summary = "offset + i * steps on every axis, i below sizes";
  let description = [{All three lists have one entry an axis; steps may be negative.}];
  let arguments = (ins Top_Tensor:$input, DenseI64ArrayAttr:$offset, DenseI64ArrayAttr:$steps,
    DenseI64ArrayAttr:$sizes);
}
def Top_CastOp : Top_ShapedOp<"Cast"> {
  let summary = "conversion to another ONNX type, its values kept in f32";
  let description = [{to: f32, f16, bf16, f64, i8, u8, i16, u16, i32, u32, i64, u64, bool.
    Integers truncate toward zero; bool is x != 0.}];
  let arguments = (ins Top_Tensor:$input, StrAttr:$to);
}
def Top_ReshapeOp : Top_ShapedOp<"Reshape"> {
  let summary = "same elements in another shape";
  let arguments = (ins Top_Tensor:$input, DenseI64ArrayAttr:$shape);
}
def Top_PermuteOp : Top_ShapedOp<"Permute"> {
  let summary = "result axis i is input axis order[i]";
  let arguments = (ins Top_Tensor:$input, DenseI64ArrayAttr:$order);
}

#endif
