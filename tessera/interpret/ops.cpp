// From attributes to kernel calls: one function an op, and the one list of all of them.
#include "tessera/interpret/ops.h"

#include "tessera/interpret/kernels/add.h"
#include "tessera/interpret/kernels/arg.h"
#include "tessera/interpret/kernels/arith.h"
#include "tessera/interpret/kernels/batch_norm.h"
#include "tessera/interpret/kernels/cast.h"
#include "tessera/interpret/kernels/clip.h"
#include "tessera/interpret/kernels/compare.h"
#include "tessera/interpret/kernels/concat.h"
#include "tessera/interpret/kernels/cube.h"
#include "tessera/interpret/kernels/deconv.h"
#include "tessera/interpret/kernels/depthwise.h"
#include "tessera/interpret/kernels/exponential.h"
#include "tessera/interpret/kernels/gather.h"
#include "tessera/interpret/kernels/interp.h"
#include "tessera/interpret/kernels/leaky_relu.h"
#include "tessera/interpret/kernels/lut.h"
#include "tessera/interpret/kernels/mul.h"
#include "tessera/interpret/kernels/mul_shift.h"
#include "tessera/interpret/kernels/pad.h"
#include "tessera/interpret/kernels/permute.h"
#include "tessera/interpret/kernels/pool2d.h"
#include "tessera/interpret/kernels/relu.h"
#include "tessera/interpret/kernels/reshape.h"
#include "tessera/interpret/kernels/scale.h"
#include "tessera/interpret/kernels/sigmoid.h"
#include "tessera/interpret/kernels/slice.h"
#include "tessera/interpret/kernels/softmax.h"
#include "tessera/interpret/kernels/upconv.h"
#include "tessera/interpret/kernels/where.h"
#include "tessera/numerics/float.h"

#include <map>

namespace tessera::interpret {
namespace {

using Operands = std::span<const Tensor>;

// Absent attributes have the defaults of Ops.td. The verifier has seen every op, so a missing
// mandatory one is our own mistake.
class Attributes {
public:
  explicit Attributes(mlir::DictionaryAttr dict) : dict_(dict) {}

  int64_t integer(const char *name) const { return get<mlir::IntegerAttr>(name).getInt(); }
  int64_t integer(const char *name, int64_t absent) const {
    return dict_.get(name) ? integer(name) : absent;
  }
  double real(const char *name) const { return get<mlir::FloatAttr>(name).getValueAsDouble(); }
  double real(const char *name, double absent) const {
    return dict_.get(name) ? real(name) : absent;
  }
  bool flag(const char *name, bool absent = false) const {
    return dict_.get(name) ? get<mlir::BoolAttr>(name).getValue() : absent;
  }
  std::string text(const char *name) const { return get<mlir::StringAttr>(name).str(); }
  std::string text(const char *name, const char *absent) const {
    return dict_.get(name) ? text(name) : absent;
  }
  std::vector<int64_t> integers(const char *name) const {
    return get<mlir::DenseI64ArrayAttr>(name).asArrayRef().vec();
  }
  std::vector<int32_t> integers32(const char *name) const {
    return dict_.get(name) ? get<mlir::DenseI32ArrayAttr>(name).asArrayRef().vec()
                           : std::vector<int32_t>();
  }
  std::vector<double> reals(const char *name) const {
    return dict_.get(name) ? get<mlir::DenseF64ArrayAttr>(name).asArrayRef().vec()
                           : std::vector<double>();
  }
  Window2d window() const {
    Window2d w;
    auto copy = [&](const char *name, auto &to) {
      if (!dict_.get(name))
        return;
      std::vector<int64_t> v = integers(name);
      TESSERA_CHECK(v.size() == to.size(), "a window attribute of the right length");
      std::copy(v.begin(), v.end(), to.begin());
    };
    copy("kernel_shape", w.kernel);
    copy("strides", w.strides);
    copy("dilations", w.dilations);
    copy("pads", w.pads);
    copy("output_padding", w.outputPadding);
    return w;
  }

private:
  template <class T> T get(const char *name) const {
    auto a = llvm::dyn_cast_or_null<T>(dict_.get(name));
    TESSERA_CHECK(a, std::string("attribute '") + name + "' of a verified op");
    return a;
  }
  mlir::DictionaryAttr dict_;
};

bool isInteger(const OpView &op) { return !dtypeIsFloat(op.in[0]); }
/// Floats as the chip computes them.
bool isChipFloat(const OpView &op) { return op.chip && !isInteger(op); }
const Tensor *optional(Operands o, size_t i) { return i < o.size() ? &o[i] : nullptr; }

/// Conv and Deconv of both dialects.
Compute convolution(const OpView &op, bool transposed) {
  Attributes a(op.attributes);
  Window2d window = a.window();
  int64_t group = a.integer("group", 1);
  std::vector<double> pad = a.reals("pad_value");
  if (isInteger(op)) {
    std::vector<int32_t> padInt(pad.begin(), pad.end());
    return [=, m = a.integers32("multiplier"), r = a.integers32("rshift"),
            out = op.out](Operands o, FloatPath) {
      Requantization q{m, r, out, numerics::Rounding::HalfUp};
      return transposed ? deconvInt(o[0], o[1], optional(o, 2), window, group, q)
                        : conv2dInt(o[0], o[1], optional(o, 2), window, group, padInt, q);
    };
  }
  bool relu = a.flag("do_relu");
  if (isChipFloat(op))
    return [=](Operands o, FloatPath) {
      if (transposed || pad.empty())
        return (transposed ? cubeDeconv : cubeConv2d)(o[0], o[1], optional(o, 2), window, group,
                                                      relu);
      Window2d bare = window;
      bare.pads = {0, 0, 0, 0};
      return cubeConv2d(padChannels(o[0], window.pads, pad), o[1], optional(o, 2), bare, group,
                        relu);
    };
  return [=](Operands o, FloatPath path) {
    return transposed ? deconv(o[0], o[1], optional(o, 2), window, group, relu, path)
                      : conv2d(o[0], o[1], optional(o, 2), window, group, relu, pad, path);
  };
}
Compute computeConv(const OpView &op) { return convolution(op, false); }
Compute computeDeconv(const OpView &op) { return convolution(op, true); }

Compute computeUpConv(const OpView &op) {
  Attributes a(op.attributes);
  if (isInteger(op))
    return [m = a.integers32("multiplier"), r = a.integers32("rshift"), out = op.out](Operands o,
                                                                                      FloatPath) {
      return upConvInt(o[0], o[1], o[2], o[3], optional(o, 4), {m, r, out});
    };
  if (isChipFloat(op))
    return [relu = a.flag("do_relu")](Operands o, FloatPath) {
      return upConvCube(o[0], o[1], o[2], o[3], optional(o, 4), relu);
    };
  return [relu = a.flag("do_relu")](Operands o, FloatPath path) {
    return upConv(o[0], o[1], o[2], o[3], optional(o, 4), relu, path);
  };
}

Compute computeBatchNorm(const OpView &op) {
  Attributes a(op.attributes);
  return [e = a.real("epsilon", 1e-5), relu = a.flag("do_relu")](Operands o, FloatPath) {
    return batchNorm(o[0], o[1], o[2], o[3], o[4], e, relu);
  };
}
Compute computeScale(const OpView &op) {
  return [relu = Attributes(op.attributes).flag("do_relu")](Operands o, FloatPath) {
    return scale(o[0], o[1], o[2], relu);
  };
}
Compute computeRelu(const OpView &op) {
  if (isInteger(op))
    return [out = op.out](Operands o, FloatPath) { return reluInt(o[0], out); };
  return [chip = isChipFloat(op)](Operands o, FloatPath) {
    return chip ? chipRelu(o[0]) : relu(o[0]);
  };
}
Compute computeSigmoid(const OpView &op) {
  if (op.chip)
    return [](Operands o, FloatPath) { return chipSigmoid(o[0]); };
  return [](Operands o, FloatPath) { return sigmoid(o[0]); };
}
Compute computeLeakyRelu(const OpView &op) {
  Attributes a(op.attributes);
  if (isInteger(op))
    return [m = int32_t(a.integer("multiplier", 0)), r = int32_t(a.integer("rshift", 0))](
               Operands o, FloatPath) { return leakyReluInt(o[0], m, r); };
  return [chip = op.chip, alpha = a.real("alpha", 0)](Operands o, FloatPath) {
    return (chip ? chipLeakyRelu : leakyRelu)(o[0], alpha);
  };
}
Compute computeLut(const OpView &op) {
  return [table = Attributes(op.attributes).integers32("table"),
          out = op.out](Operands o, FloatPath) { return lut(o[0], table, out); };
}
Compute computeClip(const OpView &op) {
  Attributes a(op.attributes);
  return [chip = isChipFloat(op), lo = a.real("min"), hi = a.real("max")](Operands o, FloatPath) {
    return (chip ? chipClip : clip)(o[0], lo, hi);
  };
}
Compute computeSoftmax(const OpView &op) {
  return [chip = op.chip, axis = Attributes(op.attributes).integer("axis")](Operands o, FloatPath) {
    return (chip ? chipSoftmax : softmax)(o[0], axis);
  };
}
Compute computeArg(const OpView &op) {
  Attributes a(op.attributes);
  return [chip = isChipFloat(op), axis = a.integer("axis"), keep = a.flag("keepdims", true),
          smallest = a.text("mode", "ArgMax") == "ArgMin",
          last = a.flag("select_last_index")](Operands o, FloatPath) {
    return arg(chip ? chipFlush(o[0]) : o[0], axis, keep, smallest, last);
  };
}

Compute pooling(const OpView &op, bool average) {
  Attributes a(op.attributes);
  if (average && isInteger(op))
    return [window = a.window(), m = int32_t(a.integer("multiplier", 0)),
            r = int32_t(a.integer("rshift", 0))](Operands o, FloatPath) {
      return avgPoolInt(o[0], window, m, r);
    };
  return [=, chip = isChipFloat(op), window = a.window(), ceil = a.flag("ceil_mode"),
          count = a.flag("count_include_pad"), relu = a.flag("do_relu")](Operands o, FloatPath) {
    if (chip)
      return (average ? chipAvgPool : chipMaxPool)(o[0], window, ceil, relu);
    return average ? avgPool(o[0], window, count, ceil, relu) : maxPool(o[0], window, ceil, relu);
  };
}
Compute computeMaxPool(const OpView &op) { return pooling(op, false); }
Compute computeAvgPool(const OpView &op) { return pooling(op, true); }
Compute computePool2D(const OpView &op) {
  return pooling(op, Attributes(op.attributes).text("pool_mode", "Max") == "Avg");
}

Compute computeConcat(const OpView &op) {
  return [axis = Attributes(op.attributes).integer("axis")](Operands o, FloatPath) {
    return concat(o, axis);
  };
}
Compute computePad(const OpView &op) {
  Attributes a(op.attributes);
  return [p = a.integers("paddings"), v = a.real("val", 0)](Operands o, FloatPath) {
    return pad(o[0], p, v);
  };
}
Compute computeInterp(const OpView &op) {
  Attributes a(op.attributes);
  static const std::map<std::string, InterpMode> modes = {{"nearest", InterpMode::Nearest},
                                                          {"linear", InterpMode::Linear},
                                                          {"cubic", InterpMode::Cubic}};
  static const std::map<std::string, CoordMode> coords = {
      {"half_pixel", CoordMode::HalfPixel},
      {"pytorch_half_pixel", CoordMode::PytorchHalfPixel},
      {"align_corners", CoordMode::AlignCorners},
      {"asymmetric", CoordMode::Asymmetric},
      {"half_pixel_symmetric", CoordMode::HalfPixelSymmetric}};
  static const std::map<std::string, NearestMode> nearest = {
      {"round_prefer_floor", NearestMode::RoundPreferFloor},
      {"round_prefer_ceil", NearestMode::RoundPreferCeil},
      {"floor", NearestMode::Floor},
      {"ceil", NearestMode::Ceil}};
  auto pick = [](const auto &table, const std::string &key) {
    auto it = table.find(key);
    TESSERA_CHECK(it != table.end(), "'" + key + "' in a verified Interp");
    return it->second;
  };
  Interp how;
  std::vector<int64_t> size = a.integers("out_size");
  std::vector<double> factor = a.reals("scale");
  TESSERA_CHECK(size.size() == 2 && factor.size() == 2, "height and width of a verified Interp");
  how.outSize = {size[0], size[1]};
  how.scale = {factor[0], factor[1]};
  how.mode = pick(modes, a.text("mode"));
  how.coordMode = pick(coords, a.text("coord_mode"));
  how.nearestMode = pick(nearest, a.text("nearest_mode", "round_prefer_floor"));
  how.cubicA = a.real("cubic_coeff_a", -0.75);
  how.excludeOutside = a.flag("exclude_outside");
  if (how.mode != InterpMode::Nearest && isInteger(op))
    return [how](Operands o, FloatPath) {
      return interpInt(o[0], integerTaps(how, 0, o[0].dim(2)), integerTaps(how, 1, o[0].dim(3)));
    };
  if (how.mode != InterpMode::Nearest && isChipFloat(op))
    return [how](Operands o, FloatPath) {
      return interpChip(o[0], floatTaps(how, 0, o[0].dim(2)), floatTaps(how, 1, o[0].dim(3)));
    };
  return [how](Operands o, FloatPath) { return interp(o[0], how); };
}

Compute binary(const OpView &op, Arith what) {
  bool relu = Attributes(op.attributes).flag("do_relu");
  if (isChipFloat(op))
    return [=](Operands o, FloatPath) {
      Tensor y = chipArith(what, o[0], o[1]);
      return relu ? chipRelu(y) : y;
    };
  return [=](Operands o, FloatPath) { return arith(what, o[0], o[1], relu); };
}
Compute computeAdd(const OpView &op) {
  Attributes a(op.attributes);
  if (!isInteger(op))
    return binary(op, Arith::Add);
  auto m = a.integers32("multiplier"), r = a.integers32("rshift");
  TESSERA_CHECK(m.size() == 2 && r.size() == 2, "two multipliers of a verified Add");
  return [m, r, out = op.out](Operands o, FloatPath) {
    return addInt(o[0], {m[0], r[0]}, o[1], {m[1], r[1]}, out);
  };
}
Compute computeSub(const OpView &op) { return binary(op, Arith::Sub); }
Compute computeMul(const OpView &op) {
  if (!isInteger(op))
    return binary(op, Arith::Mul);
  Attributes a(op.attributes);
  return [m = int32_t(a.integer("multiplier")), r = int32_t(a.integer("rshift")),
          out = op.out](Operands o, FloatPath) { return mulInt(o[0], o[1], m, r, out); };
}
Compute computeDiv(const OpView &op) { return binary(op, Arith::Div); }
Compute computeMulShift(const OpView &op) {
  Attributes a(op.attributes);
  return [m = int32_t(a.integer("multiplier")), r = int32_t(a.integer("rshift")),
          out = op.out](Operands o, FloatPath) { return mulShift(o[0], m, r, out); };
}

Compute computeCompare(const OpView &op) {
  Attributes a(op.attributes);
  static const std::map<std::string, CompareMode> modes = {
      {"Greater", CompareMode::Greater},
      {"GreaterOrEqual", CompareMode::GreaterOrEqual},
      {"Less", CompareMode::Less},
      {"LessOrEqual", CompareMode::LessOrEqual},
      {"Equal", CompareMode::Equal}};
  auto it = modes.find(a.text("mode"));
  TESSERA_CHECK(it != modes.end(), "the mode of a verified Compare");
  CompareMode mode = it->second;
  if (op.in.size() == 1)
    return [mode, chip = isChipFloat(op), t = a.real("threshold")](Operands o, FloatPath) {
      return chip ? compareWith(mode, chipFlush(o[0]), numerics::flush(float(t)))
                  : compareWith(mode, o[0], t);
    };
  return [mode, chip = op.chip](Operands o, FloatPath) {
    return (chip ? chipCompare : compare)(mode, o[0], o[1]);
  };
}
Compute computeWhere(const OpView &op) {
  return [chip = op.chip](Operands o, FloatPath) {
    return (chip ? chipWhere : where)(o[0], o[1], o[2]);
  };
}
Compute computeGather(const OpView &op) {
  Attributes a(op.attributes);
  return [i = a.integers("indices"), axis = a.integer("axis"), keep = a.flag("keepdims", true)](
             Operands o, FloatPath) { return gather(o[0], i, axis, keep); };
}
Compute computeSlice(const OpView &op) {
  Attributes a(op.attributes);
  return [offset = a.integers("offset"), steps = a.integers("steps"), sizes = a.integers("sizes")](
             Operands o, FloatPath) { return slice(o[0], offset, steps, sizes); };
}
Compute computeReshape(const OpView &op) {
  return [shape = Attributes(op.attributes).integers("shape")](Operands o, FloatPath) {
    return reshape(o[0], shape);
  };
}
Compute computePermute(const OpView &op) {
  return [order = Attributes(op.attributes).integers("order")](Operands o, FloatPath) {
    return permute(o[0], order);
  };
}

/// top.Cast has a target type; tpu.Cast goes between f32 and another type, told by its types.
Compute computeCast(const OpView &op) {
  Attributes a(op.attributes);
  if (op.attributes.get("to"))
    return [to = a.text("to")](Operands o, FloatPath) { return castFloat(o[0], to); };
  if (dtypeIsFloat(op.in[0]) && dtypeIsFloat(op.out))
    return [out = op.out](Operands o, FloatPath) { return chipCast(o[0], out); };
  if (op.in[0] == DType::F32 && op.outScale != 0)
    return [s = op.outScale, out = op.out](Operands o, FloatPath) {
      return castToQuant(o[0], s, out);
    };
  if (op.inScale[0] != 0 && op.out == DType::F32)
    return [s = op.inScale[0]](Operands o, FloatPath) { return castFromQuant(o[0], s); };
  return nullptr;
}

using Make = Compute (*)(const OpView &);
const std::map<std::string, Make> &table() {
  static const std::map<std::string, Make> t = {
      {"Conv", computeConv},
      {"Conv2D", computeConv},
      {"Deconv", computeDeconv},
      {"BatchNorm", computeBatchNorm},
      {"Scale", computeScale},
      {"Relu", computeRelu},
      {"Sigmoid", computeSigmoid},
      {"Lut", computeLut},
      {"LeakyRelu", computeLeakyRelu},
      {"Clip", computeClip},
      {"Softmax", computeSoftmax},
      {"Arg", computeArg},
      {"MaxPool", computeMaxPool},
      {"AvgPool", computeAvgPool},
      {"Pool2D", computePool2D},
      {"Concat", computeConcat},
      {"Pad", computePad},
      {"Interp", computeInterp},
      {"Add", computeAdd},
      {"Sub", computeSub},
      {"Mul", computeMul},
      {"Div", computeDiv},
      {"MulShift", computeMulShift},
      {"Compare", computeCompare},
      {"Where", computeWhere},
      {"Gather", computeGather},
      {"Slice", computeSlice},
      {"Cast", computeCast},
      {"Reshape", computeReshape},
      {"Permute", computePermute},
      {"UpConv", computeUpConv},
  };
  return t;
}

} // namespace

Compute computeOf(const OpView &op) {
  auto it = table().find(op.name);
  return it == table().end() ? nullptr : it->second(op);
}

} // namespace tessera::interpret
