#include "tessera/import/onnx/rules.h"

namespace tessera::onnx_import {
namespace {

/// ONNX [ic, oc/group, kh, kw] to [oc, ic/group, kh, kw].
Tensor swapped(const Tensor &filter, int64_t group) {
  int64_t ic = filter.dim(0) / group, oc = filter.dim(1);
  int64_t plane = filter.dim(2) * filter.dim(3);
  Tensor from = filter.converted(DType::F32);
  Tensor out(DType::F32, {oc * group, ic, filter.dim(2), filter.dim(3)});
  for (int64_t g = 0; g < group; ++g)
    for (int64_t o = 0; o < oc; ++o)
      for (int64_t i = 0; i < ic; ++i)
        std::memcpy(&out.as<float>()[size_t(((g * oc + o) * ic + i) * plane)],
                    &from.as<float>()[size_t(((g * ic + i) * oc + o) * plane)],
                    size_t(plane) * sizeof(float));
  return out;
}

/// Pads from output_shape or auto_pad: what the result loses is shared between both ends, the odd
/// cell at the begin unless SAME_UPPER.
void resolveOutput(Node &n, Window2d &w, const Shape &input) {
  std::string mode = n.stringAttr("auto_pad", "NOTSET");
  if (mode != "NOTSET" && mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER") {
    n.problem("bad-node", "attribute auto_pad is '" + mode +
                              "', must be one of NOTSET, VALID, SAME_UPPER, SAME_LOWER");
    return;
  }
  auto wanted = n.intsAttr("output_shape");
  if (wanted && wanted->size() == 4) // old writers state batch and channels too
    wanted->erase(wanted->begin(), wanted->begin() + 2);
  if (wanted && wanted->size() != 2) {
    n.problem("bad-node",
              "attribute output_shape is " + intsText(*wanted) + ", must be height and width");
    return;
  }
  if (!wanted && mode == "NOTSET")
    return;
  w.pads = {0, 0, 0, 0};
  if (!wanted && mode == "VALID")
    return;
  for (int i = 0; i < 2; ++i) {
    int64_t in = input[size_t(i) + 2];
    int64_t out = wanted ? (*wanted)[size_t(i)] : in * w.strides[i];
    int64_t natural = w.transposedOutputSize(i, in);
    if (out < 1 || out > natural) {
      n.unsupported(
          (wanted ? "attribute output_shape asks" : "attribute auto_pad '" + mode + "' asks") +
              std::string(" for ") + std::to_string(out) + (i ? " columns" : " rows") +
              ", kernel, strides and output_padding give " + std::to_string(natural) +
              " without pads",
          "state pads and output_padding instead");
      return;
    }
    int64_t total = natural - out;
    w.pads[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
    w.pads[i + 2] = total - w.pads[i];
  }
}

} // namespace

void importConvTranspose(Node &n) {
  if (!n.countInputs(2, 3) || !n.spatial())
    return;
  n.floatOnly(0);
  const Tensor *filter = n.constant(1, "the filter");
  if (!filter)
    return;
  if (filter->rank() != 4 || filter->count() == 0) {
    n.problem("bad-shape", "the filter '" + n.in(1).name + "' has shape " +
                               shapeText(filter->shape()) + ", must be [ic, oc/group, kh, kw]");
    return;
  }
  Window2d w = n.window({{filter->dim(2), filter->dim(3)}});
  if (auto v = n.intsAttr("output_padding"); v && !v->empty()) {
    if (v->size() != 2 || (*v)[0] < 0 || (*v)[1] < 0 || std::max((*v)[0], (*v)[1]) > (1 << 24))
      n.problem("bad-node", "attribute output_padding is " + intsText(*v) +
                                ", must be two numbers from 0 to 2^24");
    else
      w.outputPadding = {(*v)[0], (*v)[1]};
  }
  int64_t group = n.intAttr("group", 1);
  const Shape input = n.shape(0);
  if (group < 1 || filter->dim(0) % group)
    n.problem("bad-node", "attribute group is " + std::to_string(group) +
                              ", must divide the filter's " + std::to_string(filter->dim(0)) +
                              " input channels");
  else if (filter->dim(0) != input[1])
    n.problem("bad-shape", "the filter '" + n.in(1).name + "' has " +
                               std::to_string(filter->dim(0)) + " input channels, the input '" +
                               n.in(0).name + "' has " + std::to_string(input[1]));
  if (n.has(2))
    n.constant(2, "the bias");
  if (!n.failed())
    resolveOutput(n, w, input);
  if (n.failed())
    return;
  mlir::Value x = n.operand(0), f = n.weight(n.in(1).name, swapped(*filter, group));
  mlir::Value bias = n.has(2) ? n.operand(2) : mlir::Value();
  n.emit<top::DeconvOp>(n.in(0).type, x, f, bias, w.kernel, w.strides, w.pads, w.dilations,
                        w.outputPadding, uint64_t(group), /*do_relu=*/false);
}

} // namespace tessera::onnx_import
