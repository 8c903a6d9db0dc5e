#include "tessera/quantize/lowering.h"

#include "tessera/support/suggest.h"

#include "mlir/AsmParser/AsmParser.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace tessera::quantize {

Lowering::Lowering(const ir::Module &source, const Thresholds &thresholds, const Options &options,
                   const std::string &where)
    : builder(source.context()), source_(source), thresholds_(thresholds), options_(options),
      where_(where), target_(ir::Module::create(source.name(), ir::kTpuState)) {
  builder = mlir::OpBuilder(target_.context());
}

Result<Quantized> Lowering::run() {
  target_.setAttribute("mode", options_.mode);
  target_.setAttribute("chip", options_.chip);
  mlir::func::FuncOp from = source_.main(), to = target_.main();
  mlir::Block &body = to.getBody().front();
  builder.setInsertionPointToStart(&body);
  for (mlir::BlockArgument arg : from.getArguments())
    values_[arg] =
        body.addArgument(ir::floatType(context(), ir::shapeOf(arg)), builder.getUnknownLoc());
  llvm::SmallVector<mlir::Value> outputs;
  for (mlir::Operation &op : from.getBody().front()) {
    if (auto ret = llvm::dyn_cast<mlir::func::ReturnOp>(op)) {
      for (mlir::Value v : ret.getOperands())
        if (mlir::Value lowered = lowerOutput(v))
          outputs.push_back(lowered);
      builder.create<mlir::func::ReturnOp>(builder.getUnknownLoc(), outputs);
    } else if (!llvm::isa<top::WeightOp>(op)) {
      lower(&op);
    }
  }
  if (!errors_.empty())
    return fail(std::move(errors_));
  to.setFunctionType(
      builder.getFunctionType(body.getArgumentTypes(), mlir::ValueRange(outputs).getTypes()));
  TESSERA_TRY(target_.verify(where_));
  return Quantized{std::move(target_), std::move(notes_)};
}

void Lowering::lower(mlir::Operation *op) {
  mode_ = modeOf(op);
  if (auto input = llvm::dyn_cast<top::InputOp>(op))
    return lowerInput(input);
  // An operand whose own op was refused: its error is enough.
  for (mlir::Value v : op->getOperands())
    if (!isWeight(v) && !values_.count(v))
      return;
  if (LowerFunction f = findLowering(op->getName().getStringRef()))
    return f(*this, op);
  if (!integer())
    return lowerAsFloat(op);
  refuse(op, "has no INT8 form yet",
         "cut the network before it with --output_names, or replace it in the model");
}

void Lowering::lowerAsFloat(mlir::Operation *op) {
  inF32();
  llvm::SmallVector<mlir::Value> inputs;
  for (mlir::Value v : op->getOperands())
    inputs.push_back(isWeight(v) ? createWeight(op, ir::nameOf(v), weight(v)) : value(v));
  llvm::SmallVector<mlir::NamedAttribute> attributes;
  for (mlir::NamedAttribute a : op->getAttrs())
    if (a.getName() != "id" && a.getName() != "from")
      attributes.push_back(a);
  // Attributes live in the source's context; text carries them over.
  std::string text;
  llvm::raw_string_ostream(text) << mlir::DictionaryAttr::get(op->getContext(), attributes);
  auto dictionary = llvm::cast<mlir::DictionaryAttr>(mlir::parseAttribute(text, context()));
  replace(op, create<tpu::FloatOp>(op, resultType(op, DType::F32, 0), inputs,
                                   op->getName().stripDialect(), dictionary));
}

void Lowering::lowerInput(top::InputOp op) {
  bool stored = integer() && options_.quantInput;
  mlir::RankedTensorType type = stored ? typeFromTable(op) : resultType(op, DType::F32, 0);
  mlir::Value argument = values_[op.getInput()];
  argument.setType(type);
  auto input = create<tpu::InputOp>(op, type, argument, op.getMean(), op.getScale(),
                                    op.getPixelFormat(), op.getChannelFormat(), op.getResizeDims(),
                                    op.getKeepAspectRatio(), op.getPadValue(), op.getPadType());
  replace(op, input);
}

mlir::Value Lowering::lowerOutput(mlir::Value top) {
  auto it = values_.find(top);
  if (it == values_.end()) {
    if (errors_.empty())
      errors_.add(
          Diagnostic{"unsupported-op", where_, "an output of the network is a constant", ""});
    return {};
  }
  if (ir::isQuantized(it->second) && options_.quantOutput)
    return it->second;
  inF32();
  return value(top);
}

const std::string &Lowering::modeOf(mlir::Operation *op) const {
  auto it = options_.modes.find(ir::nameOf(op));
  return it == options_.modes.end() ? options_.mode : it->second;
}

DType Lowering::floating() const {
  return mode_ == "F16" ? DType::F16 : mode_ == "BF16" ? DType::BF16 : DType::F32;
}

mlir::Value Lowering::value(mlir::Value top) {
  auto it = values_.find(top);
  TESSERA_CHECK(it != values_.end(), "operand used before it was lowered");
  mlir::Value v = it->second;
  mlir::Operation *op = top.getDefiningOp();
  if (integer() && ir::isQuantized(v))
    return v;
  auto want = integer() ? typeFromTable(op) : resultType(op, floating(), 0);
  if (v.getType() == want)
    return v;
  // Every cast has f32 on one side.
  auto f32 = resultType(op, DType::F32, 0);
  return cast(v.getType() == f32 ? v : cast(v, op, f32), op, want);
}

mlir::Value Lowering::cast(mlir::Value lowered, mlir::Operation *op, mlir::RankedTensorType to) {
  if (lowered.getType() == to)
    return lowered;
  mlir::Value &known = casts_[{op->getResult(0), to}];
  if (!known) {
    auto quantized = llvm::dyn_cast<mlir::quant::QuantizedType>(to.getElementType());
    std::string suffix;
    if (quantized)
      suffix = quantized.isSigned() ? "i8" : "ui8";
    else
      llvm::raw_string_ostream(suffix) << to.getElementType();
    known = createNamed<tpu::CastOp>(op, ir::nameOf(op) + "_" + suffix, to, lowered);
  }
  return known;
}

bool Lowering::isWeight(mlir::Value top) const {
  return llvm::isa_and_nonnull<top::WeightOp>(top.getDefiningOp());
}

const Tensor &Lowering::weight(mlir::Value top) const {
  const Tensor *t = isWeight(top) ? source_.weights.find(ir::nameOf(top)) : nullptr;
  TESSERA_CHECK(t, "operand is not a weight with an array");
  return *t;
}

mlir::RankedTensorType Lowering::resultType(mlir::Operation *op, DType dtype, double scale) {
  Shape shape = ir::shapeOf(op->getResult(0));
  return scale == 0 ? ir::plainType(context(), shape, dtype)
                    : ir::quantType(context(), shape, dtype == DType::I8, scale);
}

const Threshold &Lowering::tied(mlir::Operation *op, const Threshold &own) const {
  mlir::Value v = op->getResult(0);
  while (options_.tieScales && v.hasOneUse()) {
    mlir::Operation *user = *v.getUsers().begin();
    if (llvm::isa<top::ConcatOp>(user) && modeOf(user) == "INT8") {
      auto it = thresholds_.find(ir::nameOf(user));
      bool sameSign = it != thresholds_.end() && (it->second.min < 0) == (own.min < 0);
      return sameSign ? it->second : own;
    }
    auto pad = llvm::dyn_cast<top::PadOp>(user);
    if (!llvm::isa<top::InterpOp>(user) && (!pad || !pad.getVal().isZero()))
      break; // a resize keeps its input's scale
    v = user->getResult(0);
  }
  return own;
}

mlir::RankedTensorType Lowering::typeFromTable(mlir::Operation *op) {
  if (!integer())
    return resultType(op, floating(), 0);
  auto complain = [&](const char *code, const std::string &message, const std::string &hint) {
    if (complained_.insert(op).second)
      errors_.add(Diagnostic{code, where_ + ": tensor '" + ir::nameOf(op) + "'", message, hint});
    return resultType(op, DType::F32, 0);
  };
  auto it = thresholds_.find(ir::nameOf(op));
  if (it == thresholds_.end())
    return complain("missing-threshold", "is not in the calibration table",
                    "calibrate this very model: tessera calibrate " + where_);
  const Threshold &t = tied(op, it->second);
  // Scales are kept as the f32 value the chip multiplies with.
  bool isSigned = t.min < 0;
  double scale = t.threshold / (isSigned ? 127.0 : 255.0);
  if (!std::isfinite(scale) || scale <= 0)
    return complain("bad-threshold",
                    "has threshold " + std::to_string(t.threshold) +
                        ", which must be positive and finite",
                    "its activations are dead or broken on the calibration images");
  return resultType(op, isSigned ? DType::I8 : DType::U8, scale);
}

mlir::RankedTensorType Lowering::typeLike(mlir::Value lowered, mlir::Operation *op) {
  return resultType(op, ir::dtypeOf(lowered), ir::scaleOf(lowered));
}

mlir::Value Lowering::createWeight(mlir::Operation *op, const std::string &name, Tensor array) {
  auto type = ir::plainType(context(), array.shape(), array.dtype());
  target_.weights.set(name, std::move(array));
  return createNamed<tpu::WeightOp>(op, name, type);
}

mlir::Value Lowering::rescale(mlir::Operation *op, mlir::Value lowered,
                              mlir::RankedTensorType like) {
  auto type = mlir::RankedTensorType::get(ir::shapeOf(lowered), like.getElementType());
  if (type == lowered.getType())
    return lowered;
  auto to = llvm::cast<mlir::quant::UniformQuantizedType>(like.getElementType());
  auto factor = numerics::chooseMultiplier8(ir::scaleOf(lowered) / to.getScale());
  if (factor.multiplier == 0)
    refuseScales(op, lowered, to.getScale());
  return createNamed<tpu::MulShiftOp>(op, ir::nameOf(lowered) + "_to_" + ir::nameOf(op), type,
                                      lowered, factor.multiplier, factor.rshift);
}

void Lowering::refuseScales(mlir::Operation *op, mlir::Value lowered, double scale) {
  refuse(op,
         "joins tensors whose scales are too far apart: '" + ir::nameOf(lowered) + "' has " +
             std::to_string(ir::scaleOf(lowered)) + ", the result " + std::to_string(scale),
         "the ratio must lie between 2^-31 and 126");
}

std::optional<numerics::MultiplierShift> Lowering::factor(mlir::Operation *op, mlir::Value lowered,
                                                          double from, double scale) {
  auto f = numerics::chooseMultiplier8(from / scale);
  if (f.multiplier != 0 || from <= scale)
    return f;
  refuseScales(op, lowered, scale);
  return std::nullopt;
}

void Lowering::refuse(mlir::Operation *op, const std::string &reason, const std::string &hint) {
  errors_.add(Diagnostic{"unsupported-op",
                         where_ + ": tensor '" + ir::nameOf(op) + "' (" +
                             op->getName().getStringRef().str() + ")",
                         reason, hint});
}

void Lowering::note(mlir::Operation *op, const std::string &text) {
  notes_.push_back("tensor '" + ir::nameOf(op) + "': " + text);
}

void Lowering::stamp(mlir::Operation *op, mlir::Operation *from) {
  ir::setId(op, nextId_++);
  ir::setOrigin(op, {ir::idOf(from)});
}

Result<Quantized> quantize(const ir::Module &top, const Thresholds &thresholds,
                           const Options &options, const std::string &where) {
  if (top.state() != ir::kTopState)
    return fail("bad-module", where, "is in state " + top.state() + ", expected " + ir::kTopState,
                "give the file that `tessera transform` wrote");
  if (!isMode(options.mode))
    return fail("bad-option", "--quantize", "'" + options.mode + "' is no precision",
                "use INT8, F16, BF16 or F32");
  if (options.mode != "INT8" && (options.quantInput || options.quantOutput))
    return fail("bad-option", options.quantInput ? "--quant_input" : "--quant_output",
                "has no meaning for " + options.mode, "use --quantize INT8, or leave it out");
  std::vector<std::string> names;
  top.op().walk([&](mlir::Operation *op) { names.push_back(ir::nameOf(op)); });
  Error unknown;
  for (const auto &[name, mode] : options.modes)
    if (std::ranges::find(names, name) == names.end())
      unknown.add(Diagnostic{"bad-qtable", where,
                             "has no op '" + name + "', which should be " + mode,
                             didYouMean(name, names)});
  if (!unknown.empty())
    return fail(std::move(unknown));
  auto result = Lowering(top, thresholds, options, where).run();
  if (result && options.mode == "INT8") {
    // A table of another model usually shows as rows that no tensor has.
    size_t unused = 0;
    std::string first;
    std::set<std::string> known(names.begin(), names.end());
    for (const auto &[name, row] : thresholds)
      if (!known.count(name) && unused++ == 0)
        first = name;
    if (unused)
      result->notes.push_back(
          std::to_string(unused) +
          " row(s) of the calibration table name no tensor of this model, first '" + first + "'");
  }
  return result;
}

} // namespace tessera::quantize
