// Before: Add, Sub, Mul, Div of two Weights, Reshape and Permute of a Weight.
// After:  one Weight under the op's name, computed in f32 as the interpreter would.
// Fails:  other ops of constants stay; so does one whose result is not finite or is a network
// output.
#include "tessera/optimize/rewriter.h"

#include <algorithm>

namespace tessera::optimize {
namespace {

// Element strides of a shape spread by broadcasting over a result of `rank` axes: 0 along axes of
// size 1.
std::vector<int64_t> broadcastStrides(const Shape &shape, size_t rank) {
  std::vector<int64_t> strides(rank, 0);
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1)
      strides[rank - shape.size() + i] = stride;
    stride *= shape[i];
  }
  return strides;
}

// Calls body(result index, flat index a, flat index b) over `shape`.
template <class Body>
void walk(const Shape &shape, const std::vector<int64_t> &a, const std::vector<int64_t> &b,
          Body body) {
  std::vector<int64_t> at(shape.size(), 0);
  int64_t ia = 0, ib = 0, n = elementCount(shape);
  for (int64_t i = 0; i < n; ++i) {
    body(i, ia, ib);
    for (size_t d = shape.size(); d-- > 0;) {
      ia += a[d];
      ib += b[d];
      if (++at[d] < shape[d])
        break;
      ia -= a[d] * shape[d];
      ib -= b[d] * shape[d];
      at[d] = 0;
    }
  }
}

std::optional<Tensor> evaluate(const Rewriter &r, mlir::Operation *op) {
  if (op->getNumOperands() == 0)
    return std::nullopt;
  for (mlir::Value v : op->getOperands())
    if (!r.constant(v))
      return std::nullopt;
  const Tensor &x = *r.constant(op->getOperand(0));
  Shape shape = ir::shapeOf(op->getResult(0));
  if (llvm::isa<top::ReshapeOp>(op))
    return x.clone().reshaped(shape);
  if (auto permute = llvm::dyn_cast<top::PermuteOp>(op)) {
    Tensor out(DType::F32, shape);
    auto plain = broadcastStrides(x.shape(), x.rank());
    std::vector<int64_t> strides;
    for (int64_t axis : permute.getOrder())
      strides.push_back(plain[size_t(axis)]);
    walk(shape, strides, strides,
         [&](int64_t i, int64_t a, int64_t) { out.as<float>()[i] = x.as<float>()[a]; });
    return out;
  }
  if (!llvm::isa<top::AddOp, top::SubOp, top::MulOp, top::DivOp>(op))
    return std::nullopt;
  const Tensor &y = *r.constant(op->getOperand(1));
  bool relu = op->getAttrOfType<mlir::BoolAttr>("do_relu").getValue();
  Tensor out(DType::F32, shape);
  auto a = x.as<float>(), b = y.as<float>();
  auto result = out.as<float>();
  walk(shape, broadcastStrides(x.shape(), shape.size()), broadcastStrides(y.shape(), shape.size()),
       [&](int64_t i, int64_t ia, int64_t ib) {
         float v = llvm::isa<top::AddOp>(op)   ? a[ia] + b[ib]
                   : llvm::isa<top::SubOp>(op) ? a[ia] - b[ib]
                   : llvm::isa<top::MulOp>(op) ? a[ia] * b[ib]
                                               : a[ia] / b[ib];
         result[i] = relu ? std::max(v, 0.0f) : v;
       });
  return out;
}

} // namespace

void foldConstants(Rewriter &r) {
  for (mlir::Operation *op : r.ops()) {
    if (Rewriter::isOutput(op->getResult(0)))
      continue;
    auto folded = evaluate(r, op);
    if (!folded || !allFinite(toDouble(*folded)))
      continue;
    mlir::Value weight = r.createWeight(op, ir::nameOf(op), *folded);
    op->getResult(0).replaceAllUsesWith(weight);
    op->erase();
    r.count();
  }
}

} // namespace tessera::optimize
