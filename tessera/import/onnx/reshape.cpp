// Reshape, Flatten, Squeeze, Unsqueeze: the same elements in another shape.
#include "tessera/import/onnx/rules.h"

#include "llvm/ADT/STLExtras.h"

namespace tessera::onnx_import {
namespace {

void reshapeTo(Node &n, const Shape &shape) {
  const Value &v = n.in(0);
  if (n.failed())
    return;
  if (checkedCount(shape) != elementCount(v.shape)) {
    n.problem("bad-shape", "shape " + intsText(shape) + " does not hold the " +
                               std::to_string(elementCount(v.shape)) + " elements of input '" +
                               v.name + "' (" + shapeText(v.shape) + ")");
    return;
  }
  if (v.constant())
    return n.setConstant(v.data->reshaped(shape));
  if (v.shape == shape)
    return n.setAlias(v);
  n.emit<top::ReshapeOp>(v.type, n.operand(0), shape);
}

/// The axes of Squeeze and Unsqueeze: an attribute, from opset 13 an input.
std::optional<Ints> givenAxes(Node &n) {
  if (n.opset() < 13)
    return n.intsAttr("axes");
  if (n.has(1))
    return n.ints(1, "the axes");
  return std::nullopt;
}

} // namespace

void importReshape(Node &n) {
  if (!n.countInputs(2, 2) || n.in(0).broken)
    return;
  const Shape in = n.shape(0);
  Shape shape = n.ints(1, "the shape");
  bool zeroIsZero = n.flagAttr("allowzero", false);
  if (n.failed())
    return;
  int64_t rest = 1;
  int unknown = -1;
  const Ints given = shape;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 0 && !zeroIsZero) {
      if (d >= in.size()) {
        n.problem("bad-node", "shape " + intsText(given) + " copies axis " + std::to_string(d) +
                                  " of an input of rank " + std::to_string(in.size()));
        return;
      }
      shape[d] = in[d];
    }
    if (shape[d] == -1 && unknown < 0)
      unknown = int(d);
    else if (shape[d] < 0) {
      n.problem("bad-node", "shape " + intsText(given) +
                                (shape[d] == -1 ? " holds -1 twice" : " holds a negative size"));
      return;
    }
  }
  if (unknown >= 0) {
    Shape known = shape;
    known[size_t(unknown)] = 1;
    rest = checkedCount(known).value_or(0);
    if (rest == 0 || elementCount(in) % rest) {
      n.problem("bad-shape", "shape " + intsText(given) + " leaves no whole size for -1: input '" +
                                 n.in(0).name + "' (" + shapeText(in) + ") has " +
                                 std::to_string(elementCount(in)) + " elements");
      return;
    }
    shape[size_t(unknown)] = elementCount(in) / rest;
  }
  reshapeTo(n, shape);
}

void importFlatten(Node &n) {
  if (!n.countInputs(1, 1) || n.in(0).broken)
    return;
  const Shape in = n.shape(0);
  int64_t axis = n.intAttr("axis", 1);
  if (axis < -int64_t(in.size()) || axis > int64_t(in.size())) {
    n.problem("bad-node", "attribute axis is " + std::to_string(axis) + ", the tensor has " +
                              std::to_string(in.size()) + " axes");
    return;
  }
  axis += axis < 0 ? int64_t(in.size()) : 0;
  reshapeTo(n, {elementCount(std::span(in).first(size_t(axis))),
                elementCount(std::span(in).subspan(size_t(axis)))});
}

void importSqueeze(Node &n) {
  if (!n.countInputs(1, n.opset() < 13 ? 1 : 2) || n.in(0).broken)
    return;
  const Shape in = n.shape(0);
  auto given = givenAxes(n);
  Ints axes;
  if (given)
    axes = n.axes(*given, in.size());
  else
    for (size_t d = 0; d < in.size(); ++d)
      if (in[d] == 1)
        axes.push_back(int64_t(d));
  if (n.failed())
    return;
  Shape out;
  for (size_t d = 0; d < in.size(); ++d) {
    if (!llvm::is_contained(axes, int64_t(d))) {
      out.push_back(in[d]);
    } else if (in[d] != 1) {
      n.problem("bad-shape", "squeezes axis " + std::to_string(d) + " of shape " + shapeText(in) +
                                 ", which has size " + std::to_string(in[d]));
      return;
    }
  }
  reshapeTo(n, out);
}

void importUnsqueeze(Node &n) {
  if (!n.countInputs(1, n.opset() < 13 ? 1 : 2) || n.in(0).broken)
    return;
  const Shape in = n.shape(0);
  auto given = givenAxes(n);
  if (!given) {
    n.problem("bad-node", "has no axes");
    return;
  }
  Ints axes = n.axes(*given, in.size() + given->size());
  if (n.failed())
    return;
  Shape out;
  auto next = in.begin();
  for (size_t d = 0; d < in.size() + axes.size(); ++d)
    out.push_back(llvm::is_contained(axes, int64_t(d)) ? 1 : *next++);
  reshapeTo(n, out);
}

} // namespace tessera::onnx_import
