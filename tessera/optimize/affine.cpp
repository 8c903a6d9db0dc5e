// Recognises the ops that are x * scale + offset per channel.
#include "tessera/optimize/rewriter.h"

#include <algorithm>
#include <cmath>

namespace tessera::optimize {
namespace {

// A constant spread over the channels of an activation, if it varies along no other axis.
std::optional<std::vector<double>> perChannel(const Tensor *t, Sizes activation) {
  if (!t || activation.size() < 2 || t->rank() > activation.size())
    return std::nullopt;
  size_t channels = size_t(activation[1]);
  if (t->count() == 1)
    return std::vector<double>(channels, t->as<float>()[0]);
  size_t shift = activation.size() - t->rank();
  for (size_t i = 0; i < t->rank(); ++i)
    if (t->dim(i) != 1 && i + shift != 1)
      return std::nullopt;
  return toDouble(*t);
}

template <class OpT>
std::optional<Affine> binary(const Rewriter &r, OpT op, bool constantLeftAllowed) {
  bool left = r.constant(op.getLhs()) != nullptr;
  if (left == (r.constant(op.getRhs()) != nullptr) || (left && !constantLeftAllowed))
    return std::nullopt;
  mlir::Value input = left ? op.getRhs() : op.getLhs();
  if (input.getType() != op.getOutput().getType())
    return std::nullopt; // the constant enlarges the activation
  auto c = perChannel(r.constant(left ? op.getLhs() : op.getRhs()), sizesOf(input));
  if (!c)
    return std::nullopt;
  Affine a{input, std::vector<double>(c->size(), 1), std::vector<double>(c->size(), 0),
           op.getDoRelu()};
  for (size_t i = 0; i < c->size(); ++i) {
    double v = (*c)[i];
    if constexpr (std::is_same_v<OpT, top::AddOp>)
      a.offset[i] = v;
    else if constexpr (std::is_same_v<OpT, top::SubOp>) {
      a.scale[i] = left ? -1 : 1;
      a.offset[i] = left ? v : -v;
    } else if constexpr (std::is_same_v<OpT, top::MulOp>)
      a.scale[i] = v;
    else
      a.scale[i] = 1 / v;
  }
  return a;
}

std::optional<Affine> recognise(const Rewriter &r, mlir::Operation *op) {
  if (auto add = llvm::dyn_cast<top::AddOp>(op))
    return binary(r, add, true);
  if (auto sub = llvm::dyn_cast<top::SubOp>(op))
    return binary(r, sub, true);
  if (auto mul = llvm::dyn_cast<top::MulOp>(op))
    return binary(r, mul, true);
  if (auto div = llvm::dyn_cast<top::DivOp>(op))
    return binary(r, div, false);
  if (auto scale = llvm::dyn_cast<top::ScaleOp>(op)) {
    const Tensor *s = r.constant(scale.getScale()), *b = r.constant(scale.getBias());
    if (!s || !b)
      return std::nullopt;
    return Affine{scale.getInput(), toDouble(*s), toDouble(*b), scale.getDoRelu()};
  }
  if (auto norm = llvm::dyn_cast<top::BatchNormOp>(op)) {
    const Tensor *mean = r.constant(norm.getMean()), *variance = r.constant(norm.getVariance()),
                 *gamma = r.constant(norm.getGamma()), *beta = r.constant(norm.getBeta());
    if (!mean || !variance || !gamma || !beta)
      return std::nullopt;
    Affine a{norm.getInput(), toDouble(*gamma), toDouble(*beta), norm.getDoRelu()};
    double epsilon = norm.getEpsilon().convertToDouble();
    for (size_t i = 0; i < a.scale.size(); ++i) {
      a.scale[i] /= std::sqrt(double(variance->as<float>()[i]) + epsilon);
      a.offset[i] -= double(mean->as<float>()[i]) * a.scale[i];
    }
    return a;
  }
  return std::nullopt;
}

} // namespace

std::optional<Affine> affineOf(const Rewriter &r, mlir::Operation *op) {
  auto a = recognise(r, op);
  if (a && allFinite(a->scale) && allFinite(a->offset))
    return a;
  return std::nullopt;
}

bool Affine::isIdentity() const {
  return !relu && std::all_of(scale.begin(), scale.end(), [](double v) { return v == 1; }) &&
         std::all_of(offset.begin(), offset.end(), [](double v) { return v == 0; });
}

} // namespace tessera::optimize
