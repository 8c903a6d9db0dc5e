#include "tessera/optimize/rewriter.h"

#include <algorithm>
#include <cmath>

namespace tessera::optimize {

std::vector<mlir::Operation *> Rewriter::ops() const {
  std::vector<mlir::Operation *> list;
  for (mlir::Operation &op : module.main().getBody().front())
    if (op.getNumResults() == 1)
      list.push_back(&op);
  return list;
}

const Tensor *Rewriter::constant(mlir::Value v) const {
  auto weight = v ? v.getDefiningOp<top::WeightOp>() : top::WeightOp();
  if (!weight)
    return nullptr;
  const Tensor *t = module.weights.find(ir::nameOf(weight.getOperation()));
  TESSERA_CHECK(t && t->dtype() == DType::F32 && t->shape() == ir::shapeOf(v),
                "Weight without its array: " + ir::nameOf(v));
  return t;
}

mlir::Value Rewriter::createWeight(mlir::Operation *before, const std::string &name,
                                   const Tensor &array) {
  std::string unique = name;
  for (int i = 1; module.weights.contains(unique); ++i)
    unique = name + "_" + std::to_string(i);
  mlir::OpBuilder builder(before);
  auto weight = builder.create<top::WeightOp>(ir::nameLoc(module.context(), unique),
                                              ir::floatType(module.context(), array.shape()));
  ir::setOrigin(weight, ir::originOf(before));
  module.weights.set(unique, array);
  return weight;
}

mlir::Value Rewriter::createWeight(mlir::Operation *before, const std::string &name, Shape shape,
                                   const std::vector<double> &values) {
  Tensor t(DType::F32, std::move(shape));
  TESSERA_CHECK(t.count() == int64_t(values.size()), "weight values do not fill their shape");
  std::transform(values.begin(), values.end(), t.as<float>().begin(),
                 [](double v) { return static_cast<float>(v); });
  return createWeight(before, name, t);
}

mlir::Operation *Rewriter::onlyReader(mlir::Value v) {
  return v.hasOneUse() ? *v.user_begin() : nullptr;
}

bool Rewriter::isOutput(mlir::Value v) {
  return llvm::any_of(v.getUsers(),
                      [](mlir::Operation *user) { return llvm::isa<mlir::func::ReturnOp>(user); });
}

void Rewriter::rename(mlir::Operation *op, const std::string &name) {
  op->setLoc(ir::nameLoc(op->getContext(), name));
}

void Rewriter::mergeOrigin(mlir::Operation *survivor, mlir::Operation *gone) {
  std::vector<int64_t> all = ir::originOf(survivor), more = ir::originOf(gone);
  all.insert(all.end(), more.begin(), more.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  ir::setOrigin(survivor, all);
}

void Rewriter::absorbNext(mlir::Operation *survivor, mlir::Operation *last) {
  mergeOrigin(survivor, last);
  rename(survivor, ir::nameOf(last));
  survivor->getResult(0).setType(last->getResult(0).getType());
  last->getResult(0).replaceAllUsesWith(survivor->getResult(0));
  last->erase();
  count();
}

bool Rewriter::removeNoop(mlir::Operation *op, mlir::Value by) {
  mlir::Operation *source = by.getDefiningOp();
  if (isOutput(op->getResult(0))) {
    if (!source || llvm::isa<top::InputOp, top::WeightOp>(source) || isOutput(by))
      return false;
    rename(source, ir::nameOf(op));
  }
  if (source && !llvm::isa<top::InputOp, top::WeightOp>(source))
    mergeOrigin(source, op);
  op->getResult(0).replaceAllUsesWith(by);
  op->erase();
  count();
  return true;
}

void Rewriter::note(mlir::Operation *op, const std::string &text) {
  std::string kind = op->getName().stripDialect().str();
  report_.notes.push_back("tensor '" + ir::nameOf(op) + "' (" + kind + "): " + text);
}

std::vector<double> toDouble(const Tensor &t) {
  auto values = t.as<float>();
  return {values.begin(), values.end()};
}

bool allFinite(const std::vector<double> &values) {
  return std::all_of(values.begin(), values.end(),
                     [](double v) { return std::isfinite(static_cast<float>(v)); });
}

} // namespace tessera::optimize
