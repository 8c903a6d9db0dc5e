#include "tessera/import/onnx/rules.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace tessera::onnx_import {

void importPad(Node &n) {
  if (!n.countInputs(n.opset() < 11 ? 1 : 2, n.opset() < 11 ? 1 : n.opset() < 18 ? 3 : 4))
    return;
  size_t rank = n.shape(0).size();
  std::string mode = n.stringAttr("mode", "constant");
  double value = 0;
  Ints pads;
  if (n.opset() < 11) {
    pads = n.intsAttr("pads").value_or(Ints{});
    value = n.floatAttr("value", 0);
  } else {
    pads = n.ints(1, "the pads");
    // A left-out, empty or zero-sized value all mean 0: exporters write each of them.
    if (n.has(2) && !(n.in(2).constant() && n.in(2).data->count() == 0))
      value = n.scalar(2, "the padding value");
  }
  Ints axes;
  if (n.has(3)) {
    axes = n.axes(n.ints(3, "the axes"), rank);
  } else {
    for (size_t d = 0; d < rank; ++d)
      axes.push_back(int64_t(d));
  }
  if (n.failed())
    return;
  if (pads.size() != 2 * axes.size()) {
    n.problem("bad-node", "pads are " + intsText(pads) +
                              ", must be a begin and an end for each of " +
                              std::to_string(axes.size()) + " axes");
    return;
  }
  if (llvm::all_of(pads, [](int64_t p) { return p == 0; }))
    return n.setAlias(n.in(0)); // in every mode
  if (mode != "constant") {
    n.unsupported(
        "attribute mode is '" + mode + "', only 'constant' is supported",
        "pad with zeros (padding of the next convolution, or F.pad(..., mode='constant'))");
    return;
  }
  if (llvm::any_of(pads, [](int64_t p) { return std::abs(p / 2) > (int64_t{1} << 30); }))
    n.problem("bad-node", "pads are " + intsText(pads) + ", every entry must be within 2^31");
  if (!std::isfinite(value))
    n.unsupported(fmt::format("the padding value is {}, must be finite", value),
                  "pad with a finite number");
  Ints all(2 * rank, 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    all[size_t(axes[i])] = pads[i];
    all[size_t(axes[i]) + rank] = pads[i + axes.size()];
  }
  n.emit<top::PadOp>(n.in(0).type, n.operand(0), all, llvm::APFloat(value));
}

} // namespace tessera::onnx_import
