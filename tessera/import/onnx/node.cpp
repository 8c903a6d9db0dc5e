#include "tessera/import/onnx/node.h"

#include "tessera/ir/top/shapes.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

namespace tessera::onnx_import {
namespace {

/// Largest tensor we let a node make: twice the chip's memory in f32, far from any overflow.
constexpr int64_t kMostResultElements = int64_t{1} << 32;
const Value kNothing = [] {
  Value v;
  v.broken = true;
  return v;
}();

std::string nodeName(const onnx::NodeProto &proto, int64_t index) {
  if (!proto.name().empty())
    return proto.name();
  for (const auto &o : proto.output())
    if (!o.empty())
      return o;
  return "#" + std::to_string(index);
}

} // namespace

std::string intsText(const Ints &v) { return sizesText(v); }

std::string attributeText(const onnx::AttributeProto &a) {
  using A = onnx::AttributeProto;
  switch (a.type()) {
  case A::INT:
    return std::to_string(a.i());
  case A::FLOAT:
    return fmt::format("{}", a.f());
  case A::STRING:
    return "'" + a.s().substr(0, 80) + "'";
  case A::INTS:
    return intsText(Ints(a.ints().begin(), a.ints().end()));
  case A::FLOATS:
    return fmt::format("{} floats", a.floats_size());
  case A::TENSOR:
    return "a tensor";
  case A::GRAPH:
    return "a graph";
  default:
    return "of type " + std::to_string(int(a.type()));
  }
}

std::string Graph::unique(const std::string &name) {
  std::string candidate = name;
  for (int i = 2; !names.insert(candidate).second; ++i)
    candidate = name + "_" + std::to_string(i);
  return candidate;
}

mlir::Value Graph::weight(const std::string &name, const Tensor &given, int64_t nodeIndex) {
  // Scalars are [1]: every consumer then sees arrays, and broadcasting is the same.
  Tensor t = given.dtype() == DType::F32 ? given : given.converted(DType::F32);
  if (t.rank() == 0)
    t = t.reshaped({1});
  std::string final = name;
  if (auto it = weights.find(name); it != weights.end()) {
    const Tensor *old = module.weights.find(name);
    if (old->shape() == t.shape() && std::ranges::equal(old->bytes(), t.bytes()))
      return it->second;
  }
  // The same array in a second form: look for that form before making it.
  for (int i = 2; names.count(final); ++i) {
    final = name + "_" + std::to_string(i);
    if (auto it = weights.find(final); it != weights.end()) {
      const Tensor *old = module.weights.find(final);
      if (old->shape() == t.shape() && std::ranges::equal(old->bytes(), t.bytes()))
        return it->second;
    }
  }
  names.insert(final);
  auto op = builder.create<top::WeightOp>(ir::nameLoc(module.context(), final),
                                          ir::floatType(module.context(), t.shape()));
  ir::setId(op, nextId++);
  ir::setOrigin(op, {nodeIndex});
  module.weights.set(final, t);
  weights[final] = op.getOutput();
  return op.getOutput();
}

Node::Node(Graph &g, const onnx::NodeProto &p, int64_t i) : proto(p), graph(g), index(i) {
  where_ = g.file + ": node '" + nodeName(p, i) + "' (" + p.op_type() + ")";
}

void Node::problem(std::string code, std::string message, std::string hint) {
  errors_.add(Diagnostic{std::move(code), where_, std::move(message), std::move(hint)});
}

bool Node::allConstant() const {
  bool any = false;
  for (size_t i = 0; i < inputs(); ++i)
    if (has(i)) {
      auto it = graph.values.find(proto.input(int(i)));
      if (it == graph.values.end() || !it->second.constant())
        return false;
      any = true;
    }
  return any;
}

const Value &Node::in(size_t i) {
  if (!has(i)) {
    if (!failed())
      problem("bad-node", "needs input " + std::to_string(i) + ", which is left out");
    return kNothing;
  }
  return graph.values.at(proto.input(int(i)));
}

mlir::Value Node::operand(size_t i) {
  const Value &v = in(i);
  if (failed())
    return {};
  if (!v.constant())
    return v.ir;
  if (v.data->count() == 0) {
    problem("bad-shape",
            "input '" + v.name + "' has no elements (shape " + shapeText(v.shape) + ")");
    return {};
  }
  return weight(v.name, *v.data);
}

const Tensor *Node::constant(size_t i, const std::string &what) {
  const Value &v = in(i);
  if (v.broken)
    return nullptr;
  if (!v.constant()) {
    problem("not-constant",
            what + " (input " + std::to_string(i) + ", '" + v.name +
                "') is computed by the network, must be a constant",
            "export with fixed sizes, or fix them with --input_shapes");
    return nullptr;
  }
  return &*v.data;
}

Ints Node::ints(size_t i, const std::string &what) {
  const Tensor *t = constant(i, what);
  if (!t)
    return {};
  if (dtypeIsFloat(t->dtype()) || t->dtype() == DType::Bool || t->rank() > 1) {
    problem("bad-node", what + " (input " + std::to_string(i) + ") is " + dtypeName(t->dtype()) +
                            " " + shapeText(t->shape()) + ", must be a vector of integers");
    return {};
  }
  if (t->count() > 4096) {
    problem("bad-node",
            what + " has " + std::to_string(t->count()) + " entries, at most 4096 make sense");
    return {};
  }
  Tensor wide = t->converted(DType::I64);
  auto values = wide.as<int64_t>();
  return Ints(values.begin(), values.end());
}

double Node::scalar(size_t i, const std::string &what) {
  const Tensor *t = constant(i, what);
  if (!t)
    return 0;
  if (t->count() != 1) {
    problem("bad-node", what + " (input " + std::to_string(i) + ") has shape " +
                            shapeText(t->shape()) + ", must be one number");
    return 0;
  }
  return t->converted(DType::F64).as<double>()[0];
}

bool Node::countInputs(size_t low, size_t high) {
  if (inputs() >= low && inputs() <= high)
    return true;
  problem("bad-node", "has " + std::to_string(inputs()) + " inputs, takes " + std::to_string(low) +
                          (low == high        ? ""
                           : high == SIZE_MAX ? " or more"
                                              : " to " + std::to_string(high)));
  return false;
}

bool Node::spatial(size_t i) {
  const Value &v = in(i);
  if (v.broken)
    return false;
  if (v.shape.size() == 4)
    return true;
  std::string kind = v.shape.size() == 5   ? "3-D data [n, c, d, h, w]"
                     : v.shape.size() == 3 ? "1-D data [n, c, w]"
                                           : "data of rank " + std::to_string(v.shape.size());
  problem("bad-shape",
          "input '" + v.name + "' has shape " + shapeText(v.shape) + ", " + kind +
              "; only 2-D data [n, c, h, w] is supported",
          "reshape to four axes in the model, or use a 2-D network");
  return false;
}

void Node::floatOnly(size_t i) {
  const Value &v = in(i);
  if (!v.broken && !dtypeIsFloat(v.type))
    problem("unsupported-attribute",
            "input '" + v.name + "' has type " + onnxTypeName(onnxOfDtype(v.type)) + "; " +
                proto.op_type() + " of integers is supported only where all inputs are constant",
            "cast to FLOAT before this node");
}

bool Node::hasAttribute(const std::string &name) const {
  return llvm::any_of(proto.attribute(), [&](const auto &a) { return a.name() == name; });
}

const onnx::AttributeProto *Node::attribute(const std::string &name, int type) {
  for (const auto &a : proto.attribute()) {
    if (a.name() != name)
      continue;
    // Very old writers leave `type` out; what is there tells it.
    bool untyped = a.type() == onnx::AttributeProto::UNDEFINED &&
                   ((type == onnx::AttributeProto::INT && a.has_i()) ||
                    (type == onnx::AttributeProto::FLOAT && a.has_f()) ||
                    (type == onnx::AttributeProto::STRING && a.has_s()) ||
                    (type == onnx::AttributeProto::TENSOR && a.has_t()) ||
                    (type == onnx::AttributeProto::INTS && a.ints_size()) ||
                    (type == onnx::AttributeProto::FLOATS && a.floats_size()));
    if (int(a.type()) == type || untyped)
      return &a;
    // An empty list has no type of its own.
    if (type == onnx::AttributeProto::INTS && a.type() == onnx::AttributeProto::UNDEFINED)
      return &a;
    problem("bad-node", "attribute " + name + " is " + attributeText(a) + " (" +
                            onnx::AttributeProto::AttributeType_Name(a.type()) + "), must be " +
                            onnx::AttributeProto::AttributeType_Name(
                                onnx::AttributeProto::AttributeType(type)));
    return nullptr;
  }
  return nullptr;
}

int64_t Node::intAttr(const std::string &name, int64_t absent) {
  auto a = attribute(name, onnx::AttributeProto::INT);
  return a ? a->i() : absent;
}
double Node::floatAttr(const std::string &name, double absent) {
  auto a = attribute(name, onnx::AttributeProto::FLOAT);
  return a ? double(a->f()) : absent;
}
std::string Node::stringAttr(const std::string &name, const std::string &absent) {
  auto a = attribute(name, onnx::AttributeProto::STRING);
  return a ? a->s() : absent;
}
bool Node::flagAttr(const std::string &name, bool absent) {
  int64_t v = intAttr(name, absent);
  if (v != 0 && v != 1)
    problem("bad-node", "attribute " + name + " is " + std::to_string(v) + ", must be 0 or 1");
  return v != 0;
}
std::optional<Ints> Node::intsAttr(const std::string &name) {
  auto a = attribute(name, onnx::AttributeProto::INTS);
  if (!a)
    return std::nullopt;
  return Ints(a->ints().begin(), a->ints().end());
}

int64_t Node::axis(int64_t axis, size_t rank, const std::string &what) {
  if (axis >= -int64_t(rank) && axis < int64_t(rank))
    return axis < 0 ? axis + int64_t(rank) : axis;
  problem("bad-node", what + " is " + std::to_string(axis) + ", the tensor has " +
                          std::to_string(rank) + " axes");
  return 0;
}

Ints Node::axes(const Ints &given, size_t rank) {
  Ints out;
  std::set<int64_t> seen;
  for (int64_t a : given) {
    out.push_back(axis(a, rank, "axes entry"));
    if (!seen.insert(out.back()).second && !failed())
      problem("bad-node",
              "axes " + intsText(given) + " names axis " + std::to_string(out.back()) + " twice");
  }
  return out;
}

Window2d Node::window(std::optional<std::array<int64_t, 2>> filter) {
  Window2d w;
  auto fixed = [&](const char *name, size_t count, int64_t low) -> std::optional<Ints> {
    auto v = intsAttr(name);
    if (!v || (v->empty() && name != std::string("kernel_shape")))
      return std::nullopt;
    if (v->size() != count)
      problem("bad-node", std::string("attribute ") + name + " is " + intsText(*v) +
                              ", must have " + std::to_string(count) + " entries for 2-D data");
    else if (llvm::any_of(*v, [&](int64_t x) { return x < low || x > (int64_t{1} << 24); })) {
      if (low == 0 && llvm::all_of(*v, [](int64_t x) { return x <= (int64_t{1} << 24); }))
        unsupported(std::string("attribute ") + name + " is " + intsText(*v) +
                        ", negative entries are not supported",
                    "crop with a Slice node instead");
      else
        problem("bad-node", std::string("attribute ") + name + " is " + intsText(*v) +
                                ", every entry must be at least " + std::to_string(low) +
                                " and at most 2^24");
    } else
      return v;
    return std::nullopt;
  };
  auto kernel = fixed("kernel_shape", 2, 1);
  if (kernel)
    w.kernel = {(*kernel)[0], (*kernel)[1]};
  else if (filter)
    w.kernel = *filter;
  else if (!failed())
    problem("bad-node", "attribute kernel_shape is missing");
  if (kernel && filter && w.kernel != *filter)
    problem("bad-shape", "attribute kernel_shape is " + intsText(*kernel) + ", the filter is " +
                             std::to_string((*filter)[0]) + "x" + std::to_string((*filter)[1]));
  if (auto v = fixed("strides", 2, 1))
    w.strides = {(*v)[0], (*v)[1]};
  if (auto v = fixed("dilations", 2, 1))
    w.dilations = {(*v)[0], (*v)[1]};
  if (auto v = fixed("pads", 4, 0))
    w.pads = {(*v)[0], (*v)[1], (*v)[2], (*v)[3]};
  return w;
}

void Node::resolvePads(Window2d &w, const Shape &input) {
  std::string mode = stringAttr("auto_pad", "NOTSET");
  if (mode == "NOTSET" || failed())
    return;
  if (mode == "VALID") {
    w.pads = {0, 0, 0, 0};
    return;
  }
  if (mode != "SAME_UPPER" && mode != "SAME_LOWER") {
    problem("bad-node", "attribute auto_pad is '" + mode +
                            "', must be one of NOTSET, VALID, SAME_UPPER, SAME_LOWER");
    return;
  }
  for (int i = 0; i < 2; ++i) {
    int64_t in = input[size_t(i) + 2];
    int64_t out = (in + w.strides[i] - 1) / w.strides[i];
    int64_t total = std::max<int64_t>(0, (out - 1) * w.strides[i] + w.extent(i) - in);
    w.pads[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
    w.pads[i + 2] = total - w.pads[i];
  }
}

void Node::setConstant(Tensor t, size_t i) {
  if (failed() || i >= size_t(proto.output_size()) || proto.output(int(i)).empty())
    return;
  Value v;
  v.name = proto.output(int(i));
  v.type = t.dtype();
  v.shape = t.shape();
  v.data = std::move(t);
  graph.values[v.name] = std::move(v);
}

void Node::setAlias(const Value &from, size_t i) {
  if (failed() || i >= size_t(proto.output_size()) || proto.output(int(i)).empty())
    return;
  Value same = from; // under its own name: one tensor, one name
  graph.values[proto.output(int(i))] = std::move(same);
}

void Node::setResult(mlir::Value result, DType type, size_t i) {
  Value v;
  v.name = proto.output(int(i));
  v.type = type;
  v.shape = ir::shapeOf(result);
  v.ir = result;
  graph.values[v.name] = std::move(v);
}

mlir::Location Node::resultLoc(size_t i) {
  return ir::nameLoc(graph.module.context(),
                     graph.unique(proto.output(int(i)) + "_" + proto.op_type()));
}
mlir::Location Node::innerLoc(const std::string &suffix) {
  return ir::nameLoc(graph.module.context(), graph.unique(proto.output(0) + "_" + suffix));
}
mlir::Type Node::placeholder() { return ir::floatType(graph.module.context(), {1}); }

mlir::Value Node::finish(mlir::Operation *op, DType type, size_t i, ShapeInference shaped) {
  ShapeOr shape = mlir::failure();
  {
    mlir::ScopedDiagnosticHandler handler(graph.module.context(), [&](mlir::Diagnostic &d) {
      // "'top.Conv' op filter has ..." is about our op; the user knows the node.
      std::string text = d.str();
      if (size_t at = text.find("' op "); at != std::string::npos && at < 40)
        text = text.substr(at + 5);
      problem("bad-shape", text);
      return mlir::success();
    });
    shape = shaped.inferShape();
  }
  if (mlir::failed(shape)) {
    if (!failed())
      problem("bad-shape", "its operands do not fit");
    op->erase();
    return {};
  }
  auto count = checkedCount(*shape);
  if (!count || *count == 0 || *count > kMostResultElements) {
    problem("bad-shape", "the result would have shape " + sizesText(*shape) +
                             (count && *count == 0 ? ", which is empty" : ", which is too large"));
    op->erase();
    return {};
  }
  op->getResult(0).setType(
      ir::floatType(graph.module.context(), Shape(shape->begin(), shape->end())));
  ir::setId(op, graph.nextId++);
  ir::setOrigin(op, {index});
  if (i != SIZE_MAX)
    setResult(op->getResult(0), type, i);
  return op->getResult(0);
}

} // namespace tessera::onnx_import
