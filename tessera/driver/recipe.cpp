#include "tessera/driver/recipe.h"

namespace tessera::driver {
namespace {

template <class Op> InputInfo inputInfo(Op op) {
  InputInfo info{ir::nameOf(op), ir::shapeOf(op.getResult()), {}, true};
  info.stored = ir::dtypeOf(op.getResult());
  Preprocess &r = info.recipe;
  r.mean.assign(op.getMean().begin(), op.getMean().end());
  r.scale.assign(op.getScale().begin(), op.getScale().end());
  r.pixelFormat = op.getPixelFormat().str();
  r.channelFormat = op.getChannelFormat().str();
  r.resizeDims.assign(op.getResizeDims().begin(), op.getResizeDims().end());
  r.keepAspectRatio = op.getKeepAspectRatio();
  r.padValue = op.getPadValue();
  r.padType = op.getPadType().str();
  return info;
}

constexpr const char *kKinds = "output_kinds"; // attribute of a tpu module

// Looks upstream, in the top dialect, through ops that keep the meaning of the numbers.
OutputKind kindOf(mlir::Value v) {
  mlir::Operation *op = v.getDefiningOp();
  if (!op)
    return OutputKind::Logits;
  if (llvm::isa<top::ArgOp, top::CompareOp>(op))
    return OutputKind::Classes;
  if (llvm::isa<top::SigmoidOp, top::SoftmaxOp>(op))
    return OutputKind::Probability;
  if (auto cast = llvm::dyn_cast<top::CastOp>(op)) {
    bool toFloat = cast.getTo() == "f32" || cast.getTo() == "f16" || cast.getTo() == "f64" ||
                   cast.getTo() == "bf16";
    return toFloat ? kindOf(cast.getInput()) : OutputKind::Classes;
  }
  // Where between two constants, a mask of e.g. 0 and 255, is a class map too.
  if (auto where = llvm::dyn_cast<top::WhereOp>(op)) {
    bool constants = llvm::isa_and_nonnull<top::WeightOp>(where.getLhs().getDefiningOp()) &&
                     llvm::isa_and_nonnull<top::WeightOp>(where.getRhs().getDefiningOp());
    return constants ? OutputKind::Classes : OutputKind::Logits;
  }
  if (llvm::isa<top::ReshapeOp, top::SliceOp, top::PadOp, top::GatherOp, top::PermuteOp,
                top::InterpOp>(op))
    return kindOf(op->getOperand(0));
  return OutputKind::Logits;
}

} // namespace

std::vector<InputInfo> inputsOf(const ir::Module &module) {
  std::vector<InputInfo> inputs;
  module.main().walk([&](mlir::Operation *op) {
    if (auto input = llvm::dyn_cast<top::InputOp>(op))
      inputs.push_back(inputInfo(input));
    else if (auto input = llvm::dyn_cast<tpu::InputOp>(op))
      inputs.push_back(inputInfo(input));
  });
  return inputs;
}

std::vector<OutputInfo> outputsOf(const ir::Module &module) {
  std::vector<OutputInfo> outputs;
  for (mlir::Value v : module.main().getBody().front().getTerminator()->getOperands())
    outputs.push_back({ir::nameOf(v), kindOf(v)});
  llvm::SmallVector<llvm::StringRef> kinds;
  std::string kept = module.attribute(kKinds);
  llvm::StringRef(kept).split(kinds, ',');
  if (kinds.size() == outputs.size())
    for (size_t i = 0; i < outputs.size(); ++i)
      outputs[i].kind = outputKindFrom(kinds[i].str()).value_or(outputs[i].kind);
  return outputs;
}

void keepOutputKinds(const ir::Module &top, ir::Module &tpu) {
  std::string kinds;
  for (const OutputInfo &o : outputsOf(top))
    kinds += (kinds.empty() ? "" : ",") + std::string(outputKindName(o.kind));
  tpu.setAttribute(kKinds, kinds);
}

void applyRecipe(ir::Module &module, const RecipeFlags &flags) {
  mlir::Builder b(module.context());
  module.main().walk([&](top::InputOp op) {
    InputInfo info = inputInfo(op);
    flags.apply(info.recipe);
    const Preprocess &r = info.recipe;
    op.setMean(r.mean);
    op.setScale(r.scale);
    op.setPixelFormat(r.pixelFormat);
    op.setChannelFormat(r.channelFormat);
    op.setResizeDims(r.resizeDims);
    op.setKeepAspectRatio(r.keepAspectRatio);
    op.setPadValue(r.padValue);
    op.setPadType(r.padType);
  });
}

nlohmann::ordered_json recipeJson(const std::vector<InputInfo> &inputs,
                                  const std::vector<OutputInfo> &outputs) {
  nlohmann::ordered_json j;
  for (const InputInfo &i : inputs)
    j["inputs"].push_back({{"name", i.name}, {"preprocess", toJson(i.recipe)}});
  for (const OutputInfo &o : outputs)
    j["outputs"].push_back({{"name", o.name}, {"kind", outputKindName(o.kind)}});
  return j;
}

} // namespace tessera::driver
