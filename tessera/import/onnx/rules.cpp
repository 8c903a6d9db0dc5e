// Which ONNX op type is imported by which function, and the attributes it may have.
#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {
namespace {

const std::map<std::string, NodeRule> &rules() {
  static const std::map<std::string, NodeRule> table = {
      {"Add", {importAdd, {}}},
      {"ArgMax", {importArg, {"axis", "keepdims", "select_last_index"}}},
      {"ArgMin", {importArg, {"axis", "keepdims", "select_last_index"}}},
      {"AveragePool",
       {importAveragePool,
        {"auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads",
         "strides"}}},
      {"BatchNormalization",
       {importBatchNormalization, {"epsilon", "momentum", "spatial", "training_mode"}}},
      {"Cast", {importCast, {"to", "saturate"}}},
      {"Clip", {importClip, {"min", "max"}}},
      {"Concat", {importConcat, {"axis"}}},
      {"Conv", {importConv, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}}},
      {"ConvTranspose",
       {importConvTranspose,
        {"auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads",
         "strides"}}},
      {"Div", {importDiv, {}}},
      {"Dropout", {importDropout, {"ratio", "seed"}}},
      {"Equal", {importCompare, {}}},
      {"Flatten", {importFlatten, {"axis"}}},
      {"Gather", {importGather, {"axis"}}},
      {"GlobalAveragePool", {importGlobalPool, {}}},
      {"GlobalMaxPool", {importGlobalPool, {}}},
      {"Greater", {importCompare, {}}},
      {"GreaterOrEqual", {importCompare, {}}},
      {"Identity", {importIdentity, {}}},
      {"LeakyRelu", {importLeakyRelu, {"alpha"}}},
      {"Less", {importCompare, {}}},
      {"LessOrEqual", {importCompare, {}}},
      {"Max", {importMinMax, {}}},
      {"MaxPool",
       {importMaxPool,
        {"auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order",
         "strides"}}},
      {"Min", {importMinMax, {}}},
      {"Mul", {importMul, {}}},
      {"Pad", {importPad, {"mode", "pads", "value"}}},
      {"Relu", {importRelu, {}}},
      {"Reshape", {importReshape, {"allowzero"}}},
      {"Resize",
       {importResize,
        {"antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside",
         "extrapolation_value", "keep_aspect_ratio_policy", "mode", "nearest_mode"}}},
      {"Sigmoid", {importSigmoid, {}}},
      {"Slice", {importSlice, {"axes", "ends", "starts"}}},
      {"Softmax", {importSoftmax, {"axis"}}},
      {"Split", {importSplit, {"axis", "num_outputs", "split"}}},
      {"Squeeze", {importSqueeze, {"axes"}}},
      {"Sub", {importSub, {}}},
      {"Transpose", {importTranspose, {"perm"}}},
      {"Unsqueeze", {importUnsqueeze, {"axes"}}},
      {"Upsample", {importUpsample, {"mode", "scales"}}},
      {"Where", {importWhere, {}}},
      // Constants only.
      {"Abs", {importUnaryConstant, {}}},
      {"And", {importBinaryConstant, {}}},
      {"Ceil", {importUnaryConstant, {}}},
      {"Constant",
       {importConstant,
        {"sparse_value", "value", "value_float", "value_floats", "value_int", "value_ints",
         "value_string", "value_strings"}}},
      {"ConstantOfShape", {importConstantOfShape, {"value"}}},
      {"Exp", {importUnaryConstant, {}}},
      {"Expand", {importExpand, {}}},
      {"Floor", {importUnaryConstant, {}}},
      {"Log", {importUnaryConstant, {}}},
      {"Mod", {importBinaryConstant, {"fmod"}}},
      {"Neg", {importUnaryConstant, {}}},
      {"Not", {importUnaryConstant, {}}},
      {"Or", {importBinaryConstant, {}}},
      {"Pow", {importBinaryConstant, {}}},
      {"Range", {importRange, {}}},
      {"Reciprocal", {importUnaryConstant, {}}},
      {"ReduceMax", {importReduce, {"axes", "keepdims", "noop_with_empty_axes"}}},
      {"ReduceMin", {importReduce, {"axes", "keepdims", "noop_with_empty_axes"}}},
      {"ReduceProd", {importReduce, {"axes", "keepdims", "noop_with_empty_axes"}}},
      {"ReduceSum", {importReduce, {"axes", "keepdims", "noop_with_empty_axes"}}},
      {"Round", {importUnaryConstant, {}}},
      {"Shape", {importShape, {"end", "start"}}},
      {"Sign", {importUnaryConstant, {}}},
      {"Size", {importSize, {}}},
      {"Sqrt", {importUnaryConstant, {}}},
      {"Xor", {importBinaryConstant, {}}},
  };
  return table;
}

} // namespace

const NodeRule *ruleOf(const std::string &opType) {
  auto it = rules().find(opType);
  return it == rules().end() ? nullptr : &it->second;
}

std::vector<std::string> supportedOps() {
  std::vector<std::string> names;
  for (const auto &[name, rule] : rules())
    names.push_back(name);
  return names;
}

} // namespace tessera::onnx_import
