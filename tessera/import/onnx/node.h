#pragma once
// What an op's import function sees of one ONNX node: its operands with known shapes and values,
// its checked attributes, and the means to emit ops or a computed constant. Problems are collected;
// a getter that finds one returns something harmless, and nothing is emitted for a node with
// problems.
#include "tessera/import/onnx/model.h"
#include "tessera/ir/module.h"
#include "tessera/tensor/window.h"

#include "mlir/IR/Diagnostics.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>

namespace tessera::onnx_import {

using Ints = std::vector<int64_t>;

/// One ONNX tensor: known to the last element, or computed by the network.
struct Value {
  std::string name;        ///< its ONNX name
  DType type = DType::F32; ///< ONNX's type; the op's result is f32 all the same
  Shape shape;
  std::optional<Tensor> data; ///< set for a constant
  mlir::Value ir;             ///< set for a computed tensor
  bool broken = false;        ///< its producer had problems: nothing is known
  bool constant() const { return data.has_value(); }
};

/// State of one import, shared by its nodes.
struct Graph {
  Graph(ir::Module m, std::string f)
      : module(std::move(m)), builder(module.context()), file(std::move(f)) {}

  ir::Module module;
  mlir::OpBuilder builder;
  std::string file; ///< the model's file name, for messages
  int64_t opset = 0;
  std::map<std::string, Value> values;        ///< by ONNX name
  std::map<std::string, mlir::Value> weights; ///< Weight ops by tensor name
  std::set<std::string> names;                ///< all tensor names in use
  int64_t nextId = 0;

  /// `name`, or with "_2", "_3" ... if it is taken; taken from now on.
  std::string unique(const std::string &name);
  /// The Weight op of `t` (made f32) under `name`; the same name with the same bytes gives the same
  /// op.
  mlir::Value weight(const std::string &name, const Tensor &t, int64_t nodeIndex);
};

class Node {
public:
  Node(Graph &graph, const onnx::NodeProto &proto, int64_t index);

  const onnx::NodeProto &proto;
  Graph &graph;
  const int64_t index;
  int64_t opset() const { return graph.opset; }
  /// "unet.onnx: node 'up3' (ConvTranspose)".
  const std::string &where() const { return where_; }

  // Problems
  void problem(std::string code, std::string message, std::string hint = {});
  void unsupported(std::string message, std::string hint = {}) {
    problem("unsupported-attribute", std::move(message), std::move(hint));
  }
  bool failed() const { return !errors_.empty(); }
  const Error &errors() const { return errors_; }

  // Operands
  size_t inputs() const { return size_t(proto.input_size()); }
  /// The optional input is there (an empty name means left out).
  bool has(size_t i) const { return i < inputs() && !proto.input(int(i)).empty(); }
  /// Every input that is there is a constant, and there is one.
  bool allConstant() const;
  /// The input; a problem and an empty value if it is left out.
  const Value &in(size_t i);
  const Shape &shape(size_t i) { return in(i).shape; }
  /// The input as an operand; a constant becomes a Weight op.
  mlir::Value operand(size_t i);
  /// A constant input; `what` names it in messages ("the sizes").
  const Tensor *constant(size_t i, const std::string &what);
  /// A constant integer vector or scalar; empty after a problem.
  Ints ints(size_t i, const std::string &what);
  /// A constant scalar number.
  double scalar(size_t i, const std::string &what);
  /// The number of inputs lies in [low, high].
  bool countInputs(size_t low, size_t high);
  /// The input is [n, c, h, w]; 3-D and 5-D data are refused by name.
  bool spatial(size_t i = 0);
  /// Integers are not what this op computes in f32.
  void floatOnly(size_t i);

  // Attributes
  const onnx::AttributeProto *attribute(const std::string &name, int type);
  bool hasAttribute(const std::string &name) const;
  int64_t intAttr(const std::string &name, int64_t absent);
  double floatAttr(const std::string &name, double absent);
  std::string stringAttr(const std::string &name, const std::string &absent);
  bool flagAttr(const std::string &name, bool absent);
  std::optional<Ints> intsAttr(const std::string &name);
  /// `axis` in [-rank, rank) made non-negative; a problem otherwise.
  int64_t axis(int64_t axis, size_t rank, const std::string &what = "axis");
  /// The axes as non-negative numbers, each once.
  Ints axes(const Ints &axes, size_t rank);
  /// kernel_shape (given or of the filter), strides, dilations, pads. auto_pad is left to
  /// resolvePads.
  Window2d window(std::optional<std::array<int64_t, 2>> filter);
  /// auto_pad of Conv and pooling for this input size, written into w.pads.
  void resolvePads(Window2d &w, const Shape &input);

  // Results
  /// Result i is a constant.
  void setConstant(Tensor t, size_t i = 0);
  /// Result i is the same tensor as `v`.
  void setAlias(const Value &v, size_t i = 0);
  /// Emits the op named after output `i`, infers its shape and makes it result i.
  template <class OpT, class... Args> mlir::Value emit(DType type, size_t i, Args &&...args) {
    if (failed())
      return {};
    auto op = graph.builder.create<OpT>(resultLoc(i), placeholder(), std::forward<Args>(args)...);
    return finish(op, type, i, op);
  }
  template <class OpT, class... Args> mlir::Value emit(DType type, Args &&...args) {
    return emit<OpT>(type, size_t(0), std::forward<Args>(args)...);
  }
  /// Emits an op that is not the node's result (named "<output>_<suffix>").
  template <class OpT, class... Args>
  mlir::Value emitInner(const std::string &suffix, Args &&...args) {
    if (failed())
      return {};
    auto op =
        graph.builder.create<OpT>(innerLoc(suffix), placeholder(), std::forward<Args>(args)...);
    return finish(op, DType::F32, SIZE_MAX, op);
  }
  mlir::Value weight(const std::string &name, const Tensor &t) {
    return graph.weight(name, t, index);
  }
  void setResult(mlir::Value v, DType type, size_t i = 0);

private:
  mlir::Location resultLoc(size_t i);
  mlir::Location innerLoc(const std::string &suffix);
  mlir::Type placeholder();
  mlir::Value finish(mlir::Operation *op, DType type, size_t i, ShapeInference shape);

  std::string where_;
  Error errors_;
};

/// How a node is imported: its function and every attribute it knows.
struct NodeRule {
  void (*import)(Node &);
  std::vector<const char *> attributes;
};
/// nullptr for an op type that is not supported.
const NodeRule *ruleOf(const std::string &opType);
/// All supported op types, sorted.
std::vector<std::string> supportedOps();

/// "[1, 2, 3]".
std::string intsText(const Ints &v);
/// The value of an attribute for messages.
std::string attributeText(const onnx::AttributeProto &a);

} // namespace tessera::onnx_import
