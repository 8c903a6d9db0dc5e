// Before: several Weights with the same shape and bits (tied or duplicated initializers).
// After:  the first serves all readers.
// Fails:  never; arrays that differ in one bit (also -0 and 0) stay apart.
#include "tessera/optimize/rewriter.h"

namespace tessera::optimize {

void shareConstants(Rewriter &r) {
  std::map<Shape, std::vector<mlir::Operation *>> seen;
  for (mlir::Operation *op : r.ops()) {
    if (!llvm::isa<top::WeightOp>(op))
      continue;
    const Tensor *array = r.constant(op->getResult(0));
    auto &candidates = seen[array->shape()];
    auto same = llvm::find_if(candidates, [&](mlir::Operation *other) {
      const Tensor *o = r.constant(other->getResult(0));
      return std::memcmp(o->bytes().data(), array->bytes().data(), array->bytes().size()) == 0;
    });
    if (same == candidates.end()) {
      candidates.push_back(op);
      continue;
    }
    Rewriter::mergeOrigin(*same, op);
    op->getResult(0).replaceAllUsesWith((*same)->getResult(0));
    op->erase();
    r.count();
  }
}

} // namespace tessera::optimize
