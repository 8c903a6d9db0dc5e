#include "tessera/schedule/ir/from_ir.h"

#include "tessera/interpret/kernels/interp.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cstring>

namespace tessera::schedule {
namespace {

std::vector<int64_t> list(llvm::ArrayRef<int64_t> a) { return {a.begin(), a.end()}; }
std::vector<int32_t> list(llvm::ArrayRef<int32_t> a) { return {a.begin(), a.end()}; }

/// `value` as the bits of a float type.
int32_t floatBits(double value, DType type) {
  Tensor t = Tensor::of<double>({1}, std::array{value}).converted(type);
  int32_t bits = 0;
  std::memcpy(&bits, t.bytes().data(), t.bytes().size());
  return bits;
}

template <class OpT> Window2d windowOf(OpT op) {
  Window2d w;
  auto copy = [](llvm::ArrayRef<int64_t> from, auto &to) {
    TESSERA_CHECK(from.size() == to.size(),
                  "window attribute of another rank than the verifier allows");
    std::copy(from.begin(), from.end(), to.begin());
  };
  copy(op.getKernelShape(), w.kernel);
  copy(op.getStrides(), w.strides);
  copy(op.getPads(), w.pads);
  copy(op.getDilations(), w.dilations);
  if constexpr (requires { op.getOutputPadding(); })
    copy(op.getOutputPadding(), w.outputPadding);
  return w;
}

Op resizeOf(tpu::InterpOp op) {
  static const std::pair<const char *, interpret::CoordMode> coords[] = {
      {"half_pixel", interpret::CoordMode::HalfPixel},
      {"pytorch_half_pixel", interpret::CoordMode::PytorchHalfPixel},
      {"align_corners", interpret::CoordMode::AlignCorners},
      {"asymmetric", interpret::CoordMode::Asymmetric},
      {"half_pixel_symmetric", interpret::CoordMode::HalfPixelSymmetric}};
  static const std::pair<const char *, interpret::NearestMode> rounds[] = {
      {"round_prefer_floor", interpret::NearestMode::RoundPreferFloor},
      {"round_prefer_ceil", interpret::NearestMode::RoundPreferCeil},
      {"floor", interpret::NearestMode::Floor},
      {"ceil", interpret::NearestMode::Ceil}};
  interpret::Interp how;
  bool known = false;
  for (auto &[name, mode] : coords)
    if (op.getCoordMode() == name) {
      how.coordMode = mode;
      known = true;
    }
  if (!known)
    return Unsupported{"has coordinate mode '" + op.getCoordMode().str() + "'", ""};
  known = false;
  for (auto &[name, mode] : rounds)
    if (op.getNearestMode() == name) {
      how.nearestMode = mode;
      known = true;
    }
  if (!known)
    return Unsupported{"has nearest mode '" + op.getNearestMode().str() + "'", ""};
  std::copy_n(op.getOutSize().begin(), 2, how.outSize.begin());
  std::copy_n(op.getScale().begin(), 2, how.scale.begin());
  Shape in = ir::shapeOf(op.getInput());
  if (in.size() != 4)
    return Unsupported{"resizes a tensor of " + std::to_string(in.size()) + " axes",
                       "reshape it to four axes in the model"};
  if (op.getMode() != "nearest") {
    how.mode =
        op.getMode() == "linear" ? interpret::InterpMode::Linear : interpret::InterpMode::Cubic;
    how.cubicA = op.getCubicCoeffA().convertToDouble();
    how.excludeOutside = op.getExcludeOutside();
    auto taps =
        dtypeIsFloat(ir::dtypeOf(op.getInput())) ? interpret::floatTaps : interpret::integerTaps;
    return Blend{taps(how, 0, in[2]), taps(how, 1, in[3])};
  }
  Interp maps;
  for (int64_t i = 0; i < how.outSize[0]; ++i)
    maps.rows.push_back(interpret::nearestSource(how, 0, in[2], i));
  for (int64_t i = 0; i < how.outSize[1]; ++i)
    maps.columns.push_back(interpret::nearestSource(how, 1, in[3], i));
  for (auto *map : {&maps.rows, &maps.columns})
    if (!std::is_sorted(map->begin(), map->end()))
      return Unsupported{"takes its input cells backwards", "use positive scales"};
  return maps;
}

class Converter {
public:
  explicit Converter(const ir::Module &module) : module_(module) { net_.name = module.name(); }

  Result<Network> run() {
    for (mlir::Operation &op : module_.main().getBody().front()) {
      if (auto ret = llvm::dyn_cast<mlir::func::ReturnOp>(op)) {
        for (mlir::Value v : ret.getOperands())
          if (auto it = tensors_.find(v); it != tensors_.end())
            net_.outputs.push_back(it->second);
          else
            problem(&op, "returns a value that no op computes");
        continue;
      }
      if (isConstant(&op))
        continue;
      if (op.getNumResults() != 1 || !op.getDialect() ||
          op.getDialect()->getNamespace() != tpu::TpuDialect::getDialectNamespace()) {
        problem(&op, "is no op of the tpu dialect");
        continue;
      }
      mlir::Value result = op.getResult(0);
      int32_t t = net_.addTensor(
          {ir::nameOf(&op), ir::shapeOf(result), ir::dtypeOf(result), ir::scaleOf(result)});
      tensors_[result] = t;
      if (llvm::isa<tpu::InputOp>(op)) {
        net_.inputs.push_back(t);
        continue;
      }
      Layer layer;
      layer.type = op.getName().stripDialect().str();
      layer.id = ir::idOf(&op);
      layer.from = ir::originOf(&op);
      layer.output = t;
      layer.op = convert(&op, layer);
      bool computed = std::ranges::any_of(
          layer.inputs, [&](int32_t t) { return net_.tensors[size_t(t)].constant.empty(); });
      if (!computed && !std::holds_alternative<Unsupported>(layer.op))
        layer.op = Unsupported{"has no computed input", "fold it to a constant in the model"};
      net_.layers.push_back(std::move(layer));
    }
    return errors_.empty() ? Result<Network>(std::move(net_)) : fail(std::move(errors_));
  }

private:
  void problem(mlir::Operation *op, std::string message) {
    errors_.add(Diagnostic{"bad-module",
                           module_.name() + ": tensor '" + ir::nameOf(op) + "' (" +
                               op->getName().getStringRef().str() + ")",
                           std::move(message), "make the module with `tessera deploy`"});
  }
  /// A Weight, or a Cast of one to a half type: arrays are stored in types that NumPy has.
  static bool isConstant(mlir::Operation *op) {
    if (auto cast = llvm::dyn_cast_or_null<tpu::CastOp>(op))
      return !ir::isQuantized(cast.getOutput()) && isConstant(cast.getInput().getDefiningOp());
    return llvm::isa_and_nonnull<tpu::WeightOp>(op);
  }
  int32_t addConstant(mlir::Value v) {
    auto [known, isNew] = tensors_.try_emplace(v, -1);
    if (isNew) {
      mlir::Operation *op = v.getDefiningOp();
      auto cast = llvm::dyn_cast<tpu::CastOp>(op);
      Tensor values = weight(cast ? cast.getInput() : v);
      if (cast && !values.empty())
        values = values.converted(ir::dtypeOf(v));
      known->second = net_.addTensor(
          {ir::nameOf(op), ir::shapeOf(v), ir::dtypeOf(v), ir::scaleOf(v), std::move(values)});
    }
    return known->second;
  }
  void addInput(Layer &layer, mlir::Value v) {
    auto it = tensors_.find(v);
    bool constant = it == tensors_.end() && isConstant(v.getDefiningOp());
    TESSERA_CHECK(constant || it != tensors_.end(), "an operand that is made before it is read");
    layer.inputs.push_back(constant ? addConstant(v) : it->second);
  }
  Tensor weight(mlir::Value v) {
    if (!v)
      return {};
    const Tensor *t = module_.weights.find(ir::nameOf(v));
    if (!v.getDefiningOp<tpu::WeightOp>() || !t) {
      problem(v.getDefiningOp(), "is used as a weight but has no array in the weight file");
      return {};
    }
    return *t;
  }
  template <class OpT> void common(OpT op, auto &to) {
    DType type = ir::dtypeOf(op.getOutput());
    bool floats = dtypeIsFloat(type);
    to.filter = weight(op.getFilter());
    if (floats && !to.filter.empty())
      to.filter = to.filter.converted(type);
    to.relu = floats && op.getDoRelu();
    to.bias = weight(op.getBias());
    to.window = windowOf(op);
    to.group = op.getGroup();
    to.multiplier = list(op.getMultiplier());
    to.rshift = list(op.getRshift());
    if (!to.bias.empty())
      to.bias = to.bias.reshaped({to.bias.count()});
  }

  Op convert(mlir::Operation *raw, Layer &layer) {
    // Filters and biases are no inputs of a layer, every other operand is.
    size_t computed = llvm::isa<tpu::Conv2DOp, tpu::DeconvOp>(raw) ? 1
                      : llvm::isa<tpu::UpConvOp>(raw)              ? 2
                                                                   : raw->getNumOperands();
    for (mlir::Value v : raw->getOperands()) {
      addInput(layer, v);
      if (layer.inputs.size() == computed)
        break;
    }
    bool floats = dtypeIsFloat(ir::dtypeOf(raw->getResult(0)));
    return llvm::TypeSwitch<mlir::Operation *, Op>(raw)
        .Case([&](tpu::Conv2DOp op) -> Op {
          Conv2D c;
          common(op, c);
          if (auto values = op.getPadValue())
            for (double v : *values)
              c.padValue.push_back(floats ? floatBits(v, ir::dtypeOf(op.getInput())) : int32_t(v));
          return c;
        })
        .Case([&](tpu::DeconvOp op) -> Op {
          Deconv d;
          common(op, d);
          return d;
        })
        .Case([&](tpu::UpConvOp op) -> Op {
          UpConv u{weight(op.getFilter()),   weight(op.getSkipFilter()), weight(op.getBias()),
                   list(op.getMultiplier()), list(op.getRshift()),       floats && op.getDoRelu()};
          for (Tensor *filter : {&u.low, &u.skip})
            if (floats && !filter->empty())
              *filter = filter->converted(ir::dtypeOf(op.getOutput()));
          return u;
        })
        .Case([&](tpu::Pool2DOp op) -> Op {
          if (op.getPoolMode() == "Avg")
            return AvgPool{windowOf(op), int32_t(op.getMultiplier()), int32_t(op.getRshift())};
          return MaxPool{windowOf(op), op.getDoRelu()};
        })
        .Case([&](tpu::AddOp op) -> Op {
          auto m = op.getMultiplier(), r = op.getRshift();
          if (m.empty())
            return Add{.relu = op.getDoRelu()};
          return Add{{m[0], m[1]}, {r[0], r[1]}};
        })
        .Case([&](tpu::MulOp op) -> Op {
          return Mul{int32_t(op.getMultiplier()), int32_t(op.getRshift())};
        })
        .Case([&](tpu::SubOp) -> Op { return Sub{}; })
        .Case([&](tpu::DivOp) -> Op { return Div{}; })
        .Case([&](tpu::ClipOp op) -> Op {
          return Clip{op.getMin().convertToDouble(), op.getMax().convertToDouble()};
        })
        .Case([&](tpu::MulShiftOp op) -> Op {
          return MulShift{int32_t(op.getMultiplier()), int32_t(op.getRshift())};
        })
        .Case([&](tpu::ConcatOp op) -> Op { return Concat{int64_t(op.getAxis())}; })
        .Case([&](tpu::PadOp op) -> Op {
          return Pad{list(op.getPaddings()), op.getVal().convertToDouble()};
        })
        .Case(
            [&](tpu::SliceOp op) -> Op { return Slice{list(op.getOffset()), list(op.getSteps())}; })
        .Case([&](tpu::PermuteOp op) -> Op { return Permute{list(op.getOrder())}; })
        .Case([&](tpu::InterpOp op) -> Op { return resizeOf(op); })
        .Case([&](tpu::LeakyReluOp op) -> Op {
          return LeakyRelu{int32_t(op.getMultiplier()), int32_t(op.getRshift()),
                           op.getAlpha().convertToDouble()};
        })
        .Case([&](tpu::SigmoidOp) -> Op { return Sigmoid{}; })
        .Case([&](tpu::SoftmaxOp op) -> Op { return Softmax{int64_t(op.getAxis())}; })
        .Case([&](tpu::LutOp op) -> Op {
          Lut lut;
          for (int32_t v : op.getTable())
            lut.table.push_back(uint8_t(v));
          return lut;
        })
        .Case([&](tpu::ReluOp) -> Op { return Relu{}; })
        .Case([&](tpu::WhereOp) -> Op { return Where{}; })
        .Case([&](tpu::CompareOp op) -> Op {
          using enum codegen::Comparison;
          if (op.getRhs())
            return ComparePair{op.getMode() == "Equal"     ? Equal
                               : op.getMode() == "Greater" ? Greater
                                                           : GreaterOrEqual};
          if (op.getMode() != "Greater" && op.getMode() != "Less")
            return Unsupported{"compares by mode '" + op.getMode().str() + "'", ""};
          return Compare{op.getMode() == "Less", op.getThreshold().convertToDouble()};
        })
        .Case([&](tpu::ArgOp op) -> Op {
          return Arg{int64_t(op.getAxis()), op.getMode() == "ArgMin", op.getSelectLastIndex()};
        })
        .Case([&](tpu::CastOp) -> Op { return Cast{}; })
        .Case([&](tpu::ReshapeOp) -> Op { return Reshape{}; })
        .Case([&](tpu::FloatOp op) -> Op {
          layer.type = op.getOp().str();
          return Unsupported{
              "has no form for the chip yet",
              "it runs on the interpreter (deploy without --model); for a .bmodel take it off the "
              "end of the model with --output_names, or replace it"};
        })
        .Default([&](mlir::Operation *) -> Op {
          return Unsupported{"is unknown to the scheduler", ""};
        });
  }

  const ir::Module &module_;
  Network net_;
  Error errors_;
  llvm::DenseMap<mlir::Value, int32_t> tensors_;
};

} // namespace

Result<Network> networkOf(const ir::Module &tpu) { return Converter(tpu).run(); }

} // namespace tessera::schedule
