// Before: Slice of height and width as the only reader of a Deconv, as U-Nets write the crop to the
//         skip tensor's size.
// After:  Deconv that does not make the rows and columns that were cut: with less output padding,
//         then larger pads.
// Fails:  stays where the uncropped result has another reader, where steps are not 1 or other axes
//         are cut, and where pads would reach past the window (dilation * (kernel - 1)).
#include "tessera/optimize/rewriter.h"

namespace tessera::optimize {
namespace {

bool fold(Rewriter &r, top::DeconvOp deconv, top::SliceOp slice) {
  Sizes whole = sizesOf(deconv.getOutput());
  std::vector<int64_t> pads = deconv.getPads().vec(), more = deconv.getOutputPadding().vec();
  for (size_t axis = 0; axis < 4; ++axis) {
    int64_t front = slice.getOffset()[axis], back = whole[axis] - front - slice.getSizes()[axis];
    if (slice.getSteps()[axis] != 1 || (axis < 2 && (front || back)))
      return false;
    if (axis < 2)
      continue;
    size_t a = axis - 2;
    int64_t less = std::min(back, more[a]);
    more[a] -= less;
    pads[a] += front;
    pads[a + 2] += back - less;
    int64_t most = deconv.getDilations()[a] * (deconv.getKernelShape()[a] - 1);
    if (pads[a] > most || pads[a + 2] > most)
      return false;
  }
  deconv.setPads(pads);
  deconv.setOutputPadding(more);
  r.absorbNext(deconv, slice);
  return true;
}

} // namespace

void foldCrop(Rewriter &r) {
  for (mlir::Operation *op : r.ops())
    if (auto deconv = llvm::dyn_cast<top::DeconvOp>(op))
      if (auto slice =
              llvm::dyn_cast_or_null<top::SliceOp>(Rewriter::onlyReader(deconv.getOutput())))
        fold(r, deconv, slice);
}

} // namespace tessera::optimize
