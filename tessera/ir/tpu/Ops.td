// The tpu dialect: the network in the types the chip computes with. Element types are f32, f16, bf16,
// i32 or !quant.uniform<i8|u8 : f32, scale> (symmetric: zero point 0). Requantization is written out as
// integers on each op, so that the text alone fixes every result bit.
#ifndef TESSERA_IR_TPU_OPS
#define TESSERA_IR_TPU_OPS

include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Tpu_Dialect : Dialect {
  let name = "tpu";
  let cppNamespace = "::tessera::tpu";
  let summary = "a network in BM1684X integer (or float) types with explicit requantization";
  let dependentDialects = ["::mlir::quant::QuantizationDialect"];
}

def Tpu_Tensor : Type<CPred<"::tessera::isTpuTensor($_self)">,
    "a ranked tensor with known, positive sizes of f32, f16, bf16, an integer of 8 to 32 bits, or "
    "!quant.uniform<i8|u8:f32, scale> with zero point 0", "::mlir::RankedTensorType">;

class Tpu_Op<string mnemonic, list<Trait> traits = []>
    : Op<Tpu_Dialect, mnemonic, !listconcat(traits, [Pure])> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let results = (outs Tpu_Tensor:$output);
  let hasVerifier = 1;
}

def Tpu_InputOp : Tpu_Op<"Input"> {
  let summary = "a network input, f32 or as stored, with its pre-processing recipe (attributes as top.Input)";
  let arguments = (ins Tpu_Tensor:$input,
    DefaultValuedAttr<DenseF64ArrayAttr, "{0.0, 0.0, 0.0}">:$mean,
    DefaultValuedAttr<DenseF64ArrayAttr, "{1.0, 1.0, 1.0}">:$scale,
    DefaultValuedStrAttr<StrAttr, "bgr">:$pixel_format,
    DefaultValuedStrAttr<StrAttr, "nchw">:$channel_format,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$resize_dims,
    DefaultValuedAttr<BoolAttr, "false">:$keep_aspect_ratio,
    DefaultValuedAttr<I64Attr, "0">:$pad_value,
    DefaultValuedStrAttr<StrAttr, "center">:$pad_type);
}
def Tpu_WeightOp : Tpu_Op<"Weight"> {
  let summary = "a constant of the weight file under the op's name; element type i8, ui8, i32 or f32";
  let arguments = (ins);
}
def Tpu_CastOp : Tpu_Op<"Cast"> {
  let summary = "f32 to quantized (x * (1/scale) rounded half away, saturated) or f16 or bf16, or back";
  let arguments = (ins Tpu_Tensor:$input);
}
def Tpu_Conv2DOp : Tpu_Op<"Conv2D"> {
  let summary = "integer convolution, bias, requantize half up: sat(rshift((acc + bias) * multiplier))";
  let description = [{Integer form: filter i8 or ui8 [oc, ic/group, kh, kw], bias i32 [oc] (absent = none), one
    multiplier and rshift (positive = right) a channel, result quantized; ReLU is the unsigned result type.
    pad_value: what padding cells hold, one per input channel (absent = 0): integers, of floats rounded to the type.
    Float form: input and result of one float type, filter f32 with values of that type, bias f32, in the
    order of sums of the chip (interpret/kernels/cube.h); do_relu counts, multiplier and rshift are empty.}];
  let arguments = (ins Tpu_Tensor:$input, Tpu_Tensor:$filter, Optional<Tpu_Tensor>:$bias,
    DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
    DenseI64ArrayAttr:$dilations, DefaultValuedAttr<I64Attr, "1">:$group,
    DefaultValuedAttr<BoolAttr, "false">:$do_relu, OptionalAttr<DenseF64ArrayAttr>:$pad_value,
    DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$multiplier,
    DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$rshift);
}
def Tpu_DeconvOp : Tpu_Op<"Deconv"> {
  let summary = "integer transposed convolution, then as Conv2D; filter [oc, ic/group, kh, kw]";
  let arguments = (ins Tpu_Tensor:$input, Tpu_Tensor:$filter, Optional<Tpu_Tensor>:$bias,
    DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
    DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$output_padding,
    DefaultValuedAttr<I64Attr, "1">:$group, DefaultValuedAttr<BoolAttr, "false">:$do_relu,
    DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$multiplier,
    DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$rshift);
}
def Tpu_UpConvOp : Tpu_Op<"UpConv"> {
  let summary = "both products of top.UpConv in one int32 sum, bias i32 saturating, then as Conv2D";
  let arguments = (ins Tpu_Tensor:$input, Tpu_Tensor:$skip, Tpu_Tensor:$filter, Tpu_Tensor:$skip_filter,
    Optional<Tpu_Tensor>:$bias, DefaultValuedAttr<BoolAttr, "false">:$do_relu,
    DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$multiplier,
    DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$rshift);
}
def Tpu_ReluOp : Tpu_Op<"Relu"> {
  let summary = "max(x, 0); scale unchanged";
  let arguments = (ins Tpu_Tensor:$input);
}
def Tpu_LeakyReluOp : Tpu_Op<"LeakyRelu"> {
  let summary = "x < 0 ? sat((x * multiplier) >> rshift, half up) : x, one scale; floats: max(alpha * x, x), 0 <= alpha <= 1";
  let arguments = (ins Tpu_Tensor:$input, DefaultValuedAttr<F64Attr, "0.0">:$alpha,
    DefaultValuedAttr<I32Attr, "0">:$multiplier, DefaultValuedAttr<I32Attr, "0">:$rshift);
}
def Tpu_SigmoidOp : Tpu_Op<"Sigmoid"> {
  let summary = "1 / (1 + e^-x) by the steps of interpret/kernels/exponential.h; f32 only";
  let arguments = (ins Tpu_Tensor:$input);
}
def Tpu_SoftmaxOp : Tpu_Op<"Softmax"> {
  let summary = "e^(x - max) * (1 / sum of e^(x - max) along axis), in order, by interpret/kernels/exponential.h; f32 only";
  let arguments = (ins Tpu_Tensor:$input, I64Attr:$axis);
}
def Tpu_LutOp : Tpu_Op<"Lut"> {
  let summary = "table[x's byte as an unsigned number]: any function of one 8-bit value; integers only";
  let description = [{256 stored values of the result, for the bytes 0 to 255 of the input: of a signed one the
    negative values come last.}];
  let arguments = (ins Tpu_Tensor:$input, DenseI32ArrayAttr:$table);
}
def Tpu_Pool2DOp : Tpu_Op<"Pool2D"> {
  let description = [{Integer form of Avg: sat((sum * multiplier) >> rshift), half up, the result as signed as the input;
    padding cells count as 0, so that count_include_pad holds and no window hangs over.}];
  let summary = "pool_mode Max: padding cells never win, one type and scale; Avg: the mean";
  let arguments = (ins Tpu_Tensor:$input, DefaultValuedStrAttr<StrAttr, "Max">:$pool_mode,
    DenseI64ArrayAttr:$kernel_shape, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
    DefaultValuedAttr<DenseI64ArrayAttr, "{1, 1}">:$dilations,
    DefaultValuedAttr<BoolAttr, "false">:$count_include_pad,
    DefaultValuedAttr<BoolAttr, "false">:$ceil_mode, DefaultValuedAttr<BoolAttr, "false">:$do_relu,
    DefaultValuedAttr<I32Attr, "0">:$multiplier, DefaultValuedAttr<I32Attr, "0">:$rshift);
}
def Tpu_AddOp : Tpu_Op<"Add"> {
  let summary = "sat(sat16((a * ma) >> ra) + sat16((b * mb) >> rb)), half up; shapes equal; float: a + b";
  let arguments = (ins Tpu_Tensor:$lhs, Tpu_Tensor:$rhs, DefaultValuedAttr<BoolAttr, "false">:$do_relu,
    DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$multiplier,
    DefaultValuedAttr<DenseI32ArrayAttr, "{}">:$rshift);
}
def Tpu_SubOp : Tpu_Op<"Sub"> {
  let summary = "a - b; shapes equal; floats only (of integers: Add with a negative multiplier)";
  let arguments = (ins Tpu_Tensor:$lhs, Tpu_Tensor:$rhs);
}
def Tpu_MulOp : Tpu_Op<"Mul"> {
  let summary = "sat((a * b * multiplier) >> rshift), half up; shapes equal; float: a * b";
  let arguments = (ins Tpu_Tensor:$lhs, Tpu_Tensor:$rhs, DefaultValuedAttr<I32Attr, "0">:$multiplier,
    DefaultValuedAttr<I32Attr, "0">:$rshift);
}
def Tpu_DivOp : Tpu_Op<"Div"> {
  let summary = "a / b as the chip divides (numerics::divide, three steps); shapes equal; f32 only";
  let arguments = (ins Tpu_Tensor:$lhs, Tpu_Tensor:$rhs);
}
def Tpu_ClipOp : Tpu_Op<"Clip"> {
  let summary = "min(max(x, min), max), both rounded to the type; NaN gives min; floats only";
  let arguments = (ins Tpu_Tensor:$input, F64Attr:$min, F64Attr:$max);
}
def Tpu_MulShiftOp : Tpu_Op<"MulShift"> {
  let summary = "rescale: sat((x * multiplier) >> rshift), half up; 0 <= multiplier < 127";
  let arguments = (ins Tpu_Tensor:$input, I32Attr:$multiplier, I32Attr:$rshift);
}
def Tpu_ConcatOp : Tpu_Op<"Concat"> {
  let summary = "inputs of one type and scale side by side along axis";
  let arguments = (ins Variadic<Tpu_Tensor>:$inputs, I64Attr:$axis);
}
def Tpu_PadOp : Tpu_Op<"Pad"> {
  let summary = "constant padding (begins, then ends, 2 * rank numbers; negative crops); val in the stored type";
  let arguments = (ins Tpu_Tensor:$input, DenseI64ArrayAttr:$paddings,
    DefaultValuedAttr<F64Attr, "0.0">:$val);
}
def Tpu_SliceOp : Tpu_Op<"Slice"> {
  let summary = "offset + i * steps on every axis";
  let arguments = (ins Tpu_Tensor:$input, DenseI64ArrayAttr:$offset, DenseI64ArrayAttr:$steps,
    DenseI64ArrayAttr:$sizes);
}
def Tpu_PermuteOp : Tpu_Op<"Permute"> {
  let summary = "axis i of the result is axis order[i] of the input";
  let arguments = (ins Tpu_Tensor:$input, DenseI64ArrayAttr:$order);
}
def Tpu_InterpOp : Tpu_Op<"Interp"> {
  let summary = "resize of the last two axes";
  let description = [{Integer form of linear and cubic: weights as whole parts of the smallest power of two that
    says them exactly, at most 2^7 (cubic 2^6) an axis; sat(sum over both axes >> bits of both, half up).}];
  let arguments = (ins Tpu_Tensor:$input, DenseI64ArrayAttr:$out_size, DenseF64ArrayAttr:$scale,
    StrAttr:$mode, StrAttr:$coord_mode,
    DefaultValuedStrAttr<StrAttr, "round_prefer_floor">:$nearest_mode,
    DefaultValuedAttr<F64Attr, "-0.75">:$cubic_coeff_a,
    DefaultValuedAttr<BoolAttr, "false">:$exclude_outside);
}
def Tpu_CompareOp : Tpu_Op<"Compare"> {
  let summary = "1 where x (mode) threshold on stored values, else 0; integer form: u8 with scale 1";
  let description = [{mode: Greater or Less; the quantizer turns every comparison with a constant into one of
    these with a whole threshold. With rhs, in f32 only: 1 where x (mode) rhs, mode Greater, GreaterOrEqual (rhs is
    not greater) or Equal (neither is greater).}];
  let arguments = (ins Tpu_Tensor:$input, Optional<Tpu_Tensor>:$rhs, StrAttr:$mode,
    DefaultValuedAttr<F64Attr, "0.0">:$threshold);
}
def Tpu_WhereOp : Tpu_Op<"Where"> {
  let summary = "condition > 0 ? lhs : rhs; shapes equal; floats of one type";
  let arguments = (ins Tpu_Tensor:$condition, Tpu_Tensor:$lhs, Tpu_Tensor:$rhs);
}
def Tpu_ArgOp : Tpu_Op<"Arg"> {
  let summary = "ArgMax or ArgMin; integer form: an axis of at most 256, u8 with scale 1";
  let arguments = (ins Tpu_Tensor:$input, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "true">:$keepdims,
    DefaultValuedStrAttr<StrAttr, "ArgMax">:$mode,
    DefaultValuedAttr<BoolAttr, "false">:$select_last_index);
}
def Tpu_ReshapeOp : Tpu_Op<"Reshape"> {
  let summary = "same elements in another shape";
  let arguments = (ins Tpu_Tensor:$input, DenseI64ArrayAttr:$shape);
}
def Tpu_FloatOp : Tpu_Op<"Float"> {
  let summary = "an op that has no integer form yet, in f32: the top op `op` with its attributes `attrs`";
  let description = [{Carries float modes through the stages; the scheduler refuses it by name.}];
  let arguments = (ins Variadic<Tpu_Tensor>:$inputs, StrAttr:$op, DictionaryAttr:$attrs);
}

#endif
