// Before: Slice(Slice(x)), as exporters write a crop of height, then of width.
// After:  one Slice under the second's name. The first stays if something else reads it.
// Fails:  never.
#include "tessera/optimize/rewriter.h"

namespace tessera::optimize {

void mergeSlices(Rewriter &r) {
  for (mlir::Operation *op : r.ops()) {
    auto second = llvm::dyn_cast<top::SliceOp>(op);
    auto first = second ? second.getInput().getDefiningOp<top::SliceOp>() : top::SliceOp();
    if (!first)
      continue;
    llvm::SmallVector<int64_t> offset, steps;
    for (size_t i = 0; i < first.getOffset().size(); ++i) {
      offset.push_back(first.getOffset()[i] + second.getOffset()[i] * first.getSteps()[i]);
      // One element needs no step; keeping it 1 keeps the op's checks simple.
      steps.push_back(second.getSizes()[i] == 1 ? 1 : first.getSteps()[i] * second.getSteps()[i]);
    }
    second.setOffset(offset);
    second.setSteps(steps);
    second.getInputMutable().assign(first.getInput());
    Rewriter::mergeOrigin(second, first);
    if (first->use_empty())
      first->erase();
    r.count();
  }
}

} // namespace tessera::optimize
