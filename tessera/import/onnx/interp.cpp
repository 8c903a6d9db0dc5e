// Resize of opsets 10, 11, 13, 18, 19 and Upsample of 7 and 9.
#include "tessera/import/onnx/rules.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace tessera::onnx_import {
namespace {

struct Sampling {
  std::string mode = "nearest", coordinates = "half_pixel", nearest = "round_prefer_floor";
  double cubic = -0.75;
  bool excludeOutside = false;
};

void emitInterp(Node &n, const Ints &out, const std::vector<double> &scales, const Sampling &s) {
  const Shape in = n.shape(0);
  bool same = true;
  for (size_t d = 0; d < 4; ++d) {
    same = same && scales[d] == 1 && out[d] == in[d];
    if (d < 2 && (out[d] != in[d] || scales[d] != 1))
      n.unsupported(
          fmt::format("resizes axis {} from {} to {}; only height and width can be resized", d,
                      in[d], out[d]),
          "resize the last two axes of [n, c, h, w] only");
  }
  if (n.failed())
    return;
  if (same) // every sample falls on its own cell, in every mode
    return n.setAlias(n.in(0));
  n.emit<top::InterpOp>(n.in(0).type, n.operand(0), Ints{out[2], out[3]},
                        std::vector<double>{scales[2], scales[3]}, s.mode, s.coordinates, s.nearest,
                        llvm::APFloat(s.cubic), s.excludeOutside);
}

/// Constant scales for every axis in `axes`, 1 for the others.
std::vector<double> readScales(Node &n, const std::vector<double> &given, const Ints &axes) {
  std::vector<double> scales(4, 1.0);
  if (given.size() != axes.size()) {
    n.problem("bad-node", "scales have " + std::to_string(given.size()) + " entries, needs " +
                              std::to_string(axes.size()));
    return scales;
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    if (!std::isfinite(given[i]) || given[i] <= 0 || given[i] > 65536)
      n.problem("bad-node",
                fmt::format("a scale is {}, must be above 0 and at most 65536", given[i]));
    scales[size_t(axes[i])] = given[i];
  }
  return scales;
}

/// ONNX: floor(size * scale), in float as its shape inference computes it.
Ints scaledSizes(const Shape &in, const std::vector<double> &scales) {
  Ints out;
  for (size_t d = 0; d < 4; ++d)
    out.push_back(int64_t(std::floor(float(in[d]) * float(scales[d]))));
  return out;
}

std::vector<double> floats(Node &n, size_t i, const std::string &what) {
  const Tensor *t = n.constant(i, what);
  if (!t)
    return {};
  if (!dtypeIsFloat(t->dtype()) || t->rank() > 1 || t->count() > 64) {
    n.problem("bad-node", what + " is " + dtypeName(t->dtype()) + " " + shapeText(t->shape()) +
                              ", must be a short vector of floats");
    return {};
  }
  Tensor wide = t->converted(DType::F64);
  return {wide.as<double>().begin(), wide.as<double>().end()};
}

/// Opsets before 11 sample at x / scale. Nearest takes the cell before it when enlarging and the
/// cell behind it when shrinking, as onnxruntime does.
void oldSampling(Node &n, Sampling &s, const std::vector<double> &scales) {
  s.coordinates = "asymmetric";
  s.nearest = "floor";
  if (s.mode != "nearest")
    return;
  bool up = false, down = false;
  for (size_t d = 2; d < 4; ++d) {
    double step = 1 / scales[d];
    if (scales[d] > 1)
      up = true;
    else if (step != std::floor(step))
      down = true;
  }
  if (up && down)
    n.unsupported(
        fmt::format("scales {} and {}: enlarging one axis and shrinking the other by nearest is "
                    "not supported in opset {}",
                    scales[2], scales[3], n.opset()),
        "export with opset 11 or later");
  if (down)
    s.nearest = "ceil";
}

bool knownMode(Node &n, Sampling &s) {
  if (s.mode == "bilinear") // of very old writers
    s.mode = "linear";
  if (s.mode == "nearest" || s.mode == "linear" || (s.mode == "cubic" && n.opset() >= 11))
    return true;
  n.unsupported("attribute mode is '" + s.mode + "', must be one of nearest, linear, cubic");
  return false;
}

const Ints kAllAxes{0, 1, 2, 3};

/// Upsample, and Resize as it was in opset 10: one scale an axis, the old sampling rule.
void emitByScales(Node &n, Sampling s, const std::vector<double> &given) {
  if (n.failed())
    return;
  auto scales = readScales(n, given, kAllAxes);
  if (n.failed())
    return;
  oldSampling(n, s, scales);
  emitInterp(n, scaledSizes(n.shape(0), scales), scales, s);
}

} // namespace

void importUpsample(Node &n) {
  bool inAttribute = n.opset() < 9;
  if (n.opset() >= 10) {
    n.problem("bad-node",
              "Upsample ended with opset 9, the model has opset " + std::to_string(n.opset()),
              "use Resize");
    return;
  }
  if (!n.countInputs(inAttribute ? 1 : 2, inAttribute ? 1 : 2) || !n.spatial())
    return;
  n.floatOnly(0);
  Sampling s;
  s.mode = n.stringAttr("mode", "nearest");
  knownMode(n, s);
  std::vector<double> given;
  if (inAttribute) {
    if (auto a = n.attribute("scales", onnx::AttributeProto::FLOATS))
      given.assign(a->floats().begin(), a->floats().end());
  } else {
    given = floats(n, 1, "the scales");
  }
  emitByScales(n, s, given);
}

void importResize(Node &n) {
  bool old = n.opset() < 11;
  if (n.opset() < 10) {
    n.problem("bad-node",
              "Resize began with opset 10, the model has opset " + std::to_string(n.opset()));
    return;
  }
  if (!n.countInputs(old ? 2 : 1, old ? 2 : 4) || !n.spatial())
    return;
  n.floatOnly(0);
  const Shape in = n.shape(0);
  Sampling s;
  s.mode = n.stringAttr("mode", "nearest");
  knownMode(n, s);
  if (old)
    return emitByScales(n, s, floats(n, 1, "the scales"));
  s.coordinates = n.stringAttr("coordinate_transformation_mode", "half_pixel");
  if (s.coordinates == "tf_crop_and_resize" || s.coordinates == "tf_half_pixel_for_nn")
    n.unsupported(
        "attribute coordinate_transformation_mode is '" + s.coordinates + "'",
        "use half_pixel, pytorch_half_pixel, align_corners, asymmetric or half_pixel_symmetric");
  else if (s.coordinates != "half_pixel" && s.coordinates != "pytorch_half_pixel" &&
           s.coordinates != "align_corners" && s.coordinates != "asymmetric" &&
           s.coordinates != "half_pixel_symmetric")
    n.problem("bad-node", "attribute coordinate_transformation_mode is '" + s.coordinates +
                              "', which ONNX does not have");
  s.nearest = n.stringAttr("nearest_mode", "round_prefer_floor");
  if (s.nearest != "round_prefer_floor" && s.nearest != "round_prefer_ceil" &&
      s.nearest != "floor" && s.nearest != "ceil")
    n.problem("bad-node",
              "attribute nearest_mode is '" + s.nearest +
                  "', must be one of round_prefer_floor, round_prefer_ceil, floor, ceil");
  s.cubic = n.floatAttr("cubic_coeff_a", -0.75);
  s.excludeOutside = n.flagAttr("exclude_outside", false);
  if (s.excludeOutside && s.mode != "cubic")
    n.unsupported("attribute exclude_outside is 1 with mode '" + s.mode +
                  "', it is supported with cubic only");
  n.floatAttr("extrapolation_value", 0); // of tf_crop_and_resize
  if (n.flagAttr("antialias", false))
    n.unsupported("attribute antialias is 1, not supported", "export with antialias=False");
  if (std::string policy = n.stringAttr("keep_aspect_ratio_policy", "stretch"); policy != "stretch")
    n.unsupported("attribute keep_aspect_ratio_policy is '" + policy +
                      "', only 'stretch' is supported",
                  "state the exact sizes");
  Ints axes = kAllAxes;
  if (auto given = n.intsAttr("axes"); given && !given->empty())
    axes = n.axes(*given, 4);
  auto given = [&](size_t i) {
    return n.has(i) && !(n.in(i).constant() && n.in(i).data->count() == 0);
  };
  bool byScales = given(2), bySizes = given(3);
  if (byScales == bySizes)
    n.problem("bad-node", byScales ? "has both scales and sizes, must have one of them"
                                   : "has neither scales nor sizes");
  if (n.failed())
    return;
  std::vector<double> scales(4, 1.0);
  Ints out(in.begin(), in.end());
  if (byScales) {
    auto list = floats(n, 2, "the scales");
    if (n.failed())
      return;
    scales = readScales(n, list, axes);
    if (!n.failed())
      out = scaledSizes(in, scales);
  } else {
    Ints sizes = n.ints(3, "the sizes");
    if (!n.failed() && sizes.size() != axes.size())
      n.problem("bad-node", "sizes are " + intsText(sizes) + ", needs " +
                                std::to_string(axes.size()) + " entries");
    for (size_t i = 0; i < axes.size() && !n.failed(); ++i) {
      size_t d = size_t(axes[i]);
      if (sizes[i] < 1 || sizes[i] > (int64_t{1} << 24))
        n.problem("bad-node", "sizes are " + intsText(sizes) +
                                  ", every entry must be at least 1 and at most 2^24");
      out[d] = sizes[i];
      scales[d] = double(sizes[i]) / double(in[d]);
    }
  }
  if (n.failed())
    return;
  emitInterp(n, out, scales, s);
}

} // namespace tessera::onnx_import
