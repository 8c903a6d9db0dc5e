#include "tessera/interpret/interpret.h"

#include "tessera/interpret/kernels/cast.h"
#include "tessera/interpret/kernels/serial.h"
#include "tessera/interpret/ops.h"
#include "tessera/support/suggest.h"

#include "llvm/ADT/DenseMap.h"

namespace tessera::interpret {

struct Runner::Plan {
  static constexpr int kWeight = -1;
  struct Operand {
    int slot = kWeight; ///< index into tensors, or kWeight
    Tensor weight;
  };
  struct Step {
    Compute compute; ///< null for an Input
    std::vector<Operand> operands;
    std::vector<int> dead; ///< slots whose last reader this step is
  };

  std::string where;
  Error error;
  std::vector<TensorInfo> tensors; ///< step i computes tensors[i]
  std::vector<Step> steps;
  std::vector<int> inputs, outputs;
};

Runner::Runner(Runner &&) noexcept = default;
Runner::~Runner() = default;

Runner::Runner(const ir::Module &module) {
  auto plan = std::make_unique<Plan>();
  plan->where = module.name();
  llvm::DenseMap<mlir::Value, Plan::Operand> values;
  std::vector<int> lastReader;

  for (mlir::Operation &operation : module.main().getBody().front()) {
    mlir::Operation *op = &operation;
    if (auto ret = llvm::dyn_cast<mlir::func::ReturnOp>(op)) {
      for (mlir::Value v : ret.getOperands()) {
        auto it = values.find(v);
        if (it == values.end() || it->second.slot == Plan::kWeight)
          plan->error.add(Diagnostic{"unsupported-op", plan->where,
                                     "main returns a value that no op computes", ""});
        else
          plan->outputs.push_back(it->second.slot);
      }
      continue;
    }
    std::string name = ir::nameOf(op), kind = op->getName().getStringRef().str();
    std::string where = plan->where + ": tensor '" + name + "' (" + kind + ")";
    if (op->getNumResults() != 1) {
      plan->error.add(Diagnostic{"unsupported-op", where, "does not compute one tensor", ""});
      continue;
    }
    mlir::Value result = op->getResult(0);
    if (llvm::isa<top::WeightOp, tpu::WeightOp>(op)) {
      const Tensor *t = module.weights.find(name);
      if (!t)
        plan->error.add(Diagnostic{"bad-module", where, "has no array in the weight file", ""});
      else
        values[result] = {Plan::kWeight, *t};
      continue;
    }

    Plan::Step step;
    OpView view{op->getName().stripDialect().str(),
                op->getName().getDialectNamespace() == tpu::TpuDialect::getDialectNamespace(),
                op->getAttrDictionary(),
                ir::dtypeOf(result),
                ir::scaleOf(result),
                {},
                {}};
    if (auto carried = llvm::dyn_cast<tpu::FloatOp>(op)) {
      view.name = carried.getOp().str();
      view.chip = false;
      view.attributes = carried.getAttrs();
    }
    bool isInput = llvm::isa<top::InputOp, tpu::InputOp>(op);
    auto slot = int(plan->steps.size());
    if (isInput)
      plan->inputs.push_back(slot);
    else
      for (mlir::Value v : op->getOperands()) {
        auto it = values.find(v);
        if (it == values.end()) {
          plan->error.add(
              Diagnostic{"unsupported-op", where, "reads a value that no op computes", ""});
          continue;
        }
        view.in.push_back(ir::dtypeOf(v));
        view.inScale.push_back(ir::scaleOf(v));
        step.operands.push_back(it->second);
        if (it->second.slot != Plan::kWeight)
          lastReader[it->second.slot] = slot;
      }
    if (!isInput && !step.operands.empty() && step.operands.size() == op->getNumOperands())
      step.compute = computeOf(view);
    if (!isInput && !step.compute)
      plan->error.add(
          Diagnostic{"unsupported-op", where, "cannot be interpreted with these types", ""});
    plan->steps.push_back(std::move(step));
    plan->tensors.push_back({name, kind, ir::shapeOf(result), view.out, view.outScale});
    lastReader.push_back(slot); // a tensor without readers dies at once
    values[result] = {slot, {}};
  }
  for (int slot : plan->outputs)
    lastReader[slot] = -1;
  for (size_t i = 0; i < lastReader.size(); ++i)
    if (lastReader[i] >= 0)
      plan->steps[lastReader[i]].dead.push_back(int(i));
  plan_ = std::move(plan);
}

const std::vector<Runner::TensorInfo> &Runner::tensors() const { return plan_->tensors; }

std::vector<Runner::TensorInfo> Runner::inputs() const {
  std::vector<TensorInfo> list;
  for (int i : plan_->inputs)
    list.push_back(plan_->tensors[i]);
  return list;
}

std::vector<Runner::TensorInfo> Runner::outputs() const {
  std::vector<TensorInfo> list;
  for (int i : plan_->outputs)
    list.push_back(plan_->tensors[i]);
  return list;
}

Result<TensorMap> Runner::run(const TensorMap &inputs, const Options &options) const {
  if (!plan_->error.empty())
    return fail(plan_->error);
  Error errors;
  std::vector<std::string> names;
  std::vector<Tensor> values(plan_->steps.size());
  for (int slot : plan_->inputs) {
    const TensorInfo &info = plan_->tensors[slot];
    names.push_back(info.name);
    const Tensor *t = inputs.find(info.name);
    std::string where = plan_->where + ": input '" + info.name + "'";
    if (!t)
      errors.add(Diagnostic{"bad-input", where, "is missing",
                            "give a " + shapeText(info.shape) + " array of that name"});
    else if (t->shape() != info.shape)
      errors.add(Diagnostic{"bad-input", where,
                            "has shape " + shapeText(t->shape()) + ", the network takes " +
                                shapeText(info.shape),
                            ""});
    else if (t->dtype() == info.dtype)
      values[slot] = *t;
    else if (info.dtype == DType::F32)
      values[slot] = t->converted(info.dtype);
    else // real values
      values[slot] = castToQuant(t->converted(DType::F32), info.scale, info.dtype);
  }
  for (const auto &[name, _] : inputs)
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      std::string hint = didYouMean(name, names);
      if (hint.empty() && !names.empty()) {
        hint = "the network's inputs:";
        for (const std::string &n : names)
          hint += " '" + n + "'";
      }
      errors.add(Diagnostic{"bad-input", plan_->where + ": input '" + name + "'",
                            "is not one of the network's", hint});
    }
  if (!errors.empty())
    return fail(std::move(errors));

  SerialScope serial(options.singleThread);
  TensorMap kept;
  std::vector<Tensor> operands;
  for (size_t i = 0; i < plan_->steps.size(); ++i) {
    const Plan::Step &step = plan_->steps[i];
    const TensorInfo &info = plan_->tensors[i];
    if (step.compute) {
      operands.clear();
      for (const Plan::Operand &o : step.operands)
        operands.push_back(o.slot == Plan::kWeight ? o.weight : values[o.slot]);
      values[i] = step.compute(operands, options.floatPath);
      TESSERA_CHECK(values[i].shape() == info.shape && values[i].dtype() == info.dtype,
                    "tensor '" + info.name + "' computed as " + shapeText(values[i].shape()) + " " +
                        dtypeName(values[i].dtype()) + ", its type says " + shapeText(info.shape) +
                        " " + dtypeName(info.dtype));
      operands.clear();
    }
    if (options.onTensor)
      options.onTensor(info.name, values[i]);
    if (options.keepAll)
      kept.set(info.name, values[i]);
    for (int slot : step.dead)
      values[slot] = Tensor();
  }
  if (!options.keepAll) {
    // In op order, whatever the order of main's results.
    std::vector<int> order = plan_->outputs;
    std::sort(order.begin(), order.end());
    for (int slot : order)
      kept.set(plan_->tensors[slot].name, values[slot]);
  }
  return kept;
}

TensorMap dequantized(const TensorMap &tensors, const Runner &runner) {
  std::map<std::string, double> scales;
  for (const Runner::TensorInfo &t : runner.tensors())
    scales[t.name] = t.scale;
  TensorMap result;
  for (const auto &[name, t] : tensors) {
    auto it = scales.find(name);
    bool quantized = it != scales.end() && it->second != 0;
    bool half = t.dtype() == DType::F16 || t.dtype() == DType::BF16;
    result.set(name, quantized ? castFromQuant(t, it->second) : half ? t.converted(DType::F32) : t);
  }
  return result;
}

} // namespace tessera::interpret
