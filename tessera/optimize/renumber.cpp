// Before: ids as the importer gave them, with gaps where ops were folded.
// After:  ids are 0, 1, ... in program order; origins (`from`) stay as the folds merged them.
// Fails:  never.
#include "tessera/optimize/rewriter.h"

namespace tessera::optimize {

void renumber(Rewriter &r) {
  int64_t next = 0;
  for (mlir::Operation *op : r.ops()) {
    if (ir::idOf(op) != next)
      r.count();
    ir::setId(op, next++);
  }
}

} // namespace tessera::optimize
