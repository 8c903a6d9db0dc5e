// Before: Pad of height and width as the only thing between a tensor and a Conv.
// After:  Conv with larger pads; padding other than 0 becomes its pad_value.
// Fails:  stays where the Pad has other readers or is an output, crops, pads other axes, where pads
// would
//         exceed what the chip's convolution can hold (15), or where the Conv already pads with a
//         different value.
#include "tessera/optimize/rewriter.h"

namespace tessera::optimize {
namespace {

// The convolution instruction has four bits for each pad.
constexpr int64_t kMaxPad = 15;

bool fold(top::PadOp pad, top::ConvOp conv) {
  Sizes amounts = pad.getPaddings();
  if (amounts.size() != 8 || conv.getInput() != pad.getOutput())
    return false;
  for (int axis : {0, 1})
    if (amounts[axis] || amounts[axis + 4])
      return false;
  std::vector<int64_t> pads = conv.getPads().vec();
  bool padsAlready = false;
  for (int i = 0; i < 4; ++i) {
    int64_t more = amounts[i < 2 ? 2 + i : 4 + i]; // top, left, bottom, right
    padsAlready |= pads[size_t(i)] != 0;
    if (more < 0 || (pads[size_t(i)] += more) > kMaxPad)
      return false;
  }
  double value = pad.getVal().convertToDouble();
  size_t channels = size_t(sizesOf(pad.getInput())[1]);
  if (padsAlready) {
    // Both rings must hold the same values.
    std::vector<double> ring(channels, 0.0);
    if (auto values = conv.getPadValue())
      ring.assign(values->begin(), values->end());
    if (llvm::any_of(ring, [&](double v) { return v != value; }))
      return false;
  } else if (value != 0) {
    conv.setPadValue(std::vector<double>(channels, value));
  } else {
    conv.removePadValueAttr();
  }
  conv.setPads(pads);
  conv.getInputMutable().assign(pad.getInput());
  Rewriter::mergeOrigin(conv, pad);
  pad->erase();
  return true;
}

} // namespace

void foldPad(Rewriter &r) {
  for (mlir::Operation *op : r.ops())
    if (auto pad = llvm::dyn_cast<top::PadOp>(op))
      if (auto conv = llvm::dyn_cast_or_null<top::ConvOp>(Rewriter::onlyReader(pad.getOutput())))
        if (fold(pad, conv))
          r.count();
}

} // namespace tessera::optimize
