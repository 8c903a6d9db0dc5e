// Slice of all opsets, and Split as one Slice a result.
#include "tessera/import/onnx/fold/fold.h"
#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {
namespace {

struct Cut {
  Ints offset, steps;
  Shape sizes;
};

void emitCut(Node &n, const Cut &cut, size_t result) {
  const Value &v = n.in(0);
  if (n.failed())
    return;
  if (v.constant())
    return n.setConstant(fold::slice(*v.data, cut.offset, cut.steps, cut.sizes), result);
  bool whole = cut.sizes == v.shape;
  for (int64_t s : cut.steps)
    whole = whole && s == 1;
  if (whole)
    return n.setAlias(v, result);
  for (size_t d = 0; d < cut.sizes.size(); ++d)
    if (cut.sizes[d] < 1) {
      n.problem("bad-shape", "takes nothing of axis " + std::to_string(d) + ", which has size " +
                                 std::to_string(v.shape[d]));
      return;
    }
  n.emit<top::SliceOp>(v.type, result, n.operand(0), cut.offset, cut.steps, cut.sizes);
}

} // namespace

void importSlice(Node &n) {
  bool inputs = n.opset() >= 10;
  if (!n.countInputs(inputs ? 3 : 1, inputs ? 5 : 1))
    return;
  const Shape shape = n.shape(0);
  Ints starts, ends, axes, steps;
  bool hasAxes = false;
  if (inputs) {
    starts = n.ints(1, "the starts");
    ends = n.ints(2, "the ends");
    if ((hasAxes = n.has(3)))
      axes = n.ints(3, "the axes");
    if (n.has(4))
      steps = n.ints(4, "the steps");
  } else {
    for (const char *name : {"starts", "ends"})
      if (!n.hasAttribute(name))
        n.problem("bad-node", std::string("attribute ") + name + " is missing");
    starts = n.intsAttr("starts").value_or(Ints{});
    ends = n.intsAttr("ends").value_or(Ints{});
    if ((hasAxes = n.hasAttribute("axes")))
      axes = n.intsAttr("axes").value_or(Ints{});
  }
  if (n.failed())
    return;
  if (!hasAxes)
    for (size_t i = 0; i < starts.size(); ++i)
      axes.push_back(int64_t(i));
  if (steps.empty())
    steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size()) {
    n.problem("bad-node", "starts " + intsText(starts) + ", ends " + intsText(ends) + ", axes " +
                              intsText(axes) + ", steps " + intsText(steps) +
                              " must have equally many entries");
    return;
  }
  axes = n.axes(axes, shape.size());
  if (n.failed())
    return;
  Cut cut{Ints(shape.size(), 0), Ints(shape.size(), 1), shape};
  for (size_t i = 0; i < axes.size(); ++i) {
    size_t d = size_t(axes[i]);
    int64_t size = shape[d];
    if (steps[i] == 0) {
      n.problem("bad-node", "step of axis " + std::to_string(d) + " is 0");
      return;
    }
    // No axis is longer than 2^40: larger steps, starts and ends mean the same and could overflow.
    int64_t step = std::clamp(steps[i], -(int64_t{1} << 41), int64_t{1} << 41);
    auto fromEnd = [&](int64_t v) { return v < 0 ? v + size : v; };
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    int64_t start =
        std::clamp(fromEnd(starts[i]), step > 0 ? int64_t{0} : std::min<int64_t>(0, high), high);
    // Backward to INT_MAX: clamped it would take nothing; writers mean "to the last one", as
    // onnxruntime reads it.
    bool toLast = step < 0 && (ends[i] == INT32_MAX || ends[i] == INT64_MAX);
    int64_t end = toLast ? low : std::clamp(fromEnd(ends[i]), std::min(low, high), high);
    int64_t span = step > 0 ? end - start : start - end, stride = std::abs(step);
    cut.sizes[d] = span > 0 ? (span + stride - 1) / stride : 0;
    cut.offset[d] = cut.sizes[d] ? start : 0;
    cut.steps[d] = cut.sizes[d] > 1 ? step : 1;
  }
  emitCut(n, cut, 0);
}

void importSplit(Node &n) {
  if (!n.countInputs(1, n.opset() < 13 ? 1 : 2))
    return;
  const Shape shape = n.shape(0);
  int64_t axis = n.axis(n.intAttr("axis", 0), shape.size());
  if (n.failed())
    return;
  int64_t size = shape[size_t(axis)], outputs = n.proto.output_size();
  if (outputs < 1) {
    n.problem("bad-node", "has no outputs");
    return;
  }
  Ints sizes;
  if (n.opset() >= 13 && n.has(1))
    sizes = n.ints(1, "the split sizes");
  else if (auto given = n.opset() < 13 ? n.intsAttr("split") : std::nullopt)
    sizes = *given;
  else if (n.hasAttribute("num_outputs")) {
    int64_t parts = n.intAttr("num_outputs", outputs);
    if (parts != outputs)
      n.problem("bad-node", "attribute num_outputs is " + std::to_string(parts) +
                                ", the node has " + std::to_string(outputs) + " outputs");
    else {
      int64_t chunk = (size + parts - 1) / parts; // the last one is smaller if it does not divide
      for (int64_t i = 0; i < parts; ++i)
        sizes.push_back(std::min(chunk, size - i * chunk));
    }
  } else if (size % outputs) {
    n.problem("bad-node", "splits axis " + std::to_string(axis) + " of size " +
                              std::to_string(size) + " into " + std::to_string(outputs) +
                              " equal parts, which it cannot");
  } else {
    sizes.assign(size_t(outputs), size / outputs);
  }
  if (n.failed())
    return;
  int64_t sum = 0;
  bool ok = int64_t(sizes.size()) == outputs;
  for (int64_t s : sizes) {
    ok = ok && s >= 0 && s <= size - sum;
    sum += ok ? s : 0;
  }
  if (!ok || sum != size) {
    n.problem("bad-node", "split sizes are " + intsText(sizes) + ", must be " +
                              std::to_string(outputs) + " numbers that add up to " +
                              std::to_string(size) + ", the size of axis " + std::to_string(axis));
    return;
  }
  Cut cut{Ints(shape.size(), 0), Ints(shape.size(), 1), shape};
  for (size_t i = 0; i < sizes.size(); ++i) {
    cut.sizes[size_t(axis)] = sizes[i];
    if (!n.proto.output(int(i)).empty())
      emitCut(n, cut, i);
    cut.offset[size_t(axis)] += sizes[i];
  }
}

} // namespace tessera::onnx_import
