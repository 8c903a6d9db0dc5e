// Before: ops and weights that nothing reads, as the folds leave them behind.
// After:  every op but an Input is read, and the module's arrays are those its Weight ops name.
// Fails:  never. Inputs stay even if unused: they are the network's interface.
#include "tessera/optimize/rewriter.h"

#include <set>

namespace tessera::optimize {

void removeDead(Rewriter &r) {
  auto ops = r.ops();
  for (auto it = ops.rbegin(); it != ops.rend(); ++it)
    if ((*it)->use_empty() && !llvm::isa<top::InputOp>(*it)) {
      (*it)->erase();
      r.count();
    }
  std::set<std::string> used;
  for (mlir::Operation *op : r.ops())
    if (llvm::isa<top::WeightOp>(op))
      used.insert(ir::nameOf(op));
  std::vector<std::string> unused;
  for (const auto &[name, tensor] : r.module.weights)
    if (!used.count(name))
      unused.push_back(name);
  for (const std::string &name : unused)
    r.module.weights.erase(name);
}

} // namespace tessera::optimize
