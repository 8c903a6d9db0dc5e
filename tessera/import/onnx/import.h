#pragma once
// ONNX (opset 7 to 22) to the top dialect: one op of ours per ONNX node, nothing fused; shape
// arithmetic that exporters leave is computed here, so that every shape of the result is known.
#include "tessera/ir/module.h"

#include <filesystem>
#include <string>
#include <vector>

namespace tessera::onnx_import {

struct ImportOptions {
  std::string modelName; ///< the module's name; empty = the file's stem
  /// --input_shapes: one shape for each input of the graph (weights listed as inputs do not count),
  /// in the graph's order. Empty = the sizes stated in the model.
  std::vector<Shape> inputShapes;
  /// --output_names: ONNX tensor names at which the graph ends. Empty = the graph's outputs.
  std::vector<std::string> outputNames;
  /// --repro: folder for one-node models of the nodes that are not supported. Empty = none.
  std::filesystem::path reproDir;
};

/// A verified module in state TOP_F32. Tensor names are the ONNX output's + "_" + the node's op
/// type, a network input and a weight keep theirs. `id` counts ops from 0, `from` is the index of
/// the ONNX node. Input ops carry no recipe (mean 0, scale 1); the caller sets it from its flags.
///
/// Errors: all nodes and attributes that are not supported or contradict each other, each with node
/// name, op type, attribute, value found and what to do; codes "bad-file", "bad-model", "bad-node",
/// "bad-shape", "unsupported-op", "unsupported-attribute", "not-constant", "bad-flag".
Result<ir::Module> importOnnx(const std::filesystem::path &model, const ImportOptions &options);

} // namespace tessera::onnx_import
