// Constants, and the ops that are supported where their inputs are constants: the arithmetic on
// shapes that exporters leave in a graph.
#include "tessera/import/onnx/binary.h"

namespace tessera::onnx_import {
namespace {

/// A problem unless every input is a constant.
bool needConstants(Node &n) {
  if (n.allConstant())
    return true;
  std::string names;
  for (size_t i = 0; i < n.inputs(); ++i)
    if (n.has(i) && !n.in(i).constant())
      names += (names.empty() ? "'" : ", '") + n.in(i).name + "'";
  n.problem("unsupported-op",
            n.proto.op_type() + " of computed tensors (" + names +
                ") is not supported, only of constants",
            "rewrite the model without it, or end the network before it with --output_names");
  return false;
}

bool fits(Node &n, const Shape &shape) {
  if (fold::reasonable(shape))
    return true;
  n.problem("bad-shape", "the constant result would have shape " + intsText(shape) +
                             ", which is impossible or too large");
  return false;
}

} // namespace

void importConstant(Node &n) {
  using A = onnx::AttributeProto;
  if (n.proto.attribute_size() != 1) {
    n.problem("bad-node", "has " + std::to_string(n.proto.attribute_size()) +
                              " attributes, must have one with its value");
    return;
  }
  const std::string &name = n.proto.attribute(0).name();
  if (name == "value") {
    if (auto a = n.attribute("value", A::TENSOR)) {
      auto t = tensorOf(a->t(), n.where());
      if (t)
        return n.setConstant(std::move(*t));
      for (const auto &d : t.error().diagnostics())
        n.problem(d.code, "its value " + d.message, d.hint);
    }
  } else if (name == "value_float") {
    float v = float(n.floatAttr(name, 0));
    n.setConstant(Tensor::of<float>({}, std::span(&v, 1)));
  } else if (name == "value_int") {
    int64_t v = n.intAttr(name, 0);
    n.setConstant(Tensor::of<int64_t>({}, std::span(&v, 1)));
  } else if (name == "value_ints") {
    Ints v = n.intsAttr(name).value_or(Ints{});
    n.setConstant(Tensor::of<int64_t>({int64_t(v.size())}, v));
  } else if (name == "value_floats") {
    if (auto a = n.attribute(name, A::FLOATS)) {
      std::vector<float> v(a->floats().begin(), a->floats().end());
      n.setConstant(Tensor::of<float>({int64_t(v.size())}, v));
    }
  } else {
    n.unsupported("attribute " + name + " is not supported", "use a dense tensor of numbers");
  }
}

void importConstantOfShape(Node &n) {
  if (!n.countInputs(1, 1) || n.in(0).broken)
    return;
  Shape shape = n.ints(0, "the shape");
  if (n.failed() || !fits(n, shape))
    return;
  float zero = 0;
  Tensor value = Tensor::of<float>({1}, std::span(&zero, 1));
  if (auto a = n.attribute("value", onnx::AttributeProto::TENSOR)) {
    auto t = tensorOf(a->t(), n.where());
    if (!t || t->count() != 1) {
      n.problem("bad-node", "attribute value must hold one number");
      return;
    }
    value = t->reshaped({1});
  }
  if (!n.failed())
    n.setConstant(fold::expand(value, shape));
}

void importShape(Node &n) {
  if (!n.countInputs(1, 1) || n.in(0).broken)
    return;
  const Shape shape = n.shape(0);
  int64_t rank = int64_t(shape.size());
  auto bound = [&](const char *name, int64_t absent) {
    int64_t v = n.intAttr(name, absent);
    return std::clamp<int64_t>(v < 0 ? v + rank : v, 0, rank);
  };
  int64_t start = bound("start", 0), end = std::max(start, bound("end", rank));
  Ints part(shape.begin() + start, shape.begin() + end);
  n.setConstant(Tensor::of<int64_t>({int64_t(part.size())}, part));
}

void importSize(Node &n) {
  if (!n.countInputs(1, 1) || n.in(0).broken)
    return;
  int64_t count = elementCount(n.shape(0));
  n.setConstant(Tensor::of<int64_t>({}, std::span(&count, 1)));
}

void importRange(Node &n) {
  if (n.countInputs(3, 3) && needConstants(n))
    setFolded(n, fold::range(*n.in(0).data, *n.in(1).data, *n.in(2).data));
}

void importExpand(Node &n) {
  if (!n.countInputs(2, 2) || n.in(0).broken)
    return;
  Shape wanted = n.ints(1, "the shape");
  if (n.failed() || !fits(n, wanted))
    return;
  auto shape = fold::broadcast(n.shape(0), wanted);
  if (!shape) {
    n.problem("bad-shape", "input '" + n.in(0).name + "' has shape " + shapeText(n.shape(0)) +
                               ", which does not broadcast to " + intsText(wanted));
    return;
  }
  if (*shape == n.shape(0))
    return n.setAlias(n.in(0));
  if (needConstants(n) && fits(n, *shape))
    n.setConstant(fold::expand(*n.in(0).data, *shape));
}

void importReduce(Node &n) {
  if (!n.countInputs(1, 2) || !needConstants(n))
    return;
  bool keepdims = n.flagAttr("keepdims", true), noop = n.flagAttr("noop_with_empty_axes", false);
  Ints axes = n.has(1) ? n.ints(1, "the axes") : n.intsAttr("axes").value_or(Ints{});
  size_t rank = n.shape(0).size();
  axes = n.axes(axes, rank);
  if (n.failed())
    return;
  if (axes.empty() && noop)
    return n.setAlias(n.in(0));
  for (size_t d = 0, all = axes.empty() ? rank : 0; d < all; ++d)
    axes.push_back(int64_t(d));
  setFolded(n, fold::reduce(n.proto.op_type(), *n.in(0).data, axes, keepdims));
}

void importUnaryConstant(Node &n) {
  if (n.countInputs(1, 1) && !n.in(0).broken && needConstants(n))
    setFolded(n, fold::unary(n.proto.op_type(), *n.in(0).data));
}

void importBinaryConstant(Node &n) {
  bool variadic = n.proto.op_type() == "Min" || n.proto.op_type() == "Max";
  if (!n.countInputs(variadic ? 1 : 2, variadic ? SIZE_MAX : 2) || !needConstants(n))
    return;
  n.intAttr("fmod", 0);
  if (!n.in(0).constant())
    return;
  Tensor sum = *n.in(0).data;
  for (size_t i = 1; i < n.inputs(); ++i) {
    const Tensor *next = n.constant(i, "the input");
    if (!next)
      return;
    Tensor right = *next;
    // The exponent may be of another type than the base.
    if (n.proto.op_type() == "Pow" && right.dtype() != sum.dtype()) {
      auto same = fold::cast(right, sum.dtype());
      if (!same)
        return n.problem("bad-node", same.error());
      right = *same;
    }
    auto folded = fold::binary(n.proto.op_type(), sum, right);
    if (!folded)
      return n.problem("bad-node", folded.error());
    sum = *folded;
  }
  n.setConstant(sum);
}

} // namespace tessera::onnx_import
