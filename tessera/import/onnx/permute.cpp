#include "tessera/import/onnx/fold/fold.h"
#include "tessera/import/onnx/rules.h"

#include <numeric>

namespace tessera::onnx_import {

void importTranspose(Node &n) {
  if (!n.countInputs(1, 1) || n.in(0).broken)
    return;
  size_t rank = n.shape(0).size();
  Ints identity(rank);
  std::iota(identity.begin(), identity.end(), int64_t{0});
  Ints order = n.intsAttr("perm").value_or(Ints(identity.rbegin(), identity.rend()));
  if (n.failed())
    return;
  Ints sorted = order;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != identity) {
    n.problem("bad-node", "attribute perm is " + intsText(order) +
                              ", must hold every axis of an input of rank " + std::to_string(rank) +
                              " once");
    return;
  }
  if (n.in(0).constant())
    return n.setConstant(fold::transpose(*n.in(0).data, order));
  if (order == identity)
    return n.setAlias(n.in(0));
  n.emit<top::PermuteOp>(n.in(0).type, n.operand(0), order);
}

} // namespace tessera::onnx_import
