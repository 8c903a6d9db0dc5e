#pragma once
// A convolution of few input channels as a 1x1 convolution over ic*kh*kw channels. The cube sums 64
// input channels a step, so that 3 channels cost as much as 64 in each of the kernel's cells; side
// by side in the lanes all cells cost one step. The GDMA lays them out: one load a cell, shifted by
// the cell's place. Integer sums do not depend on their order: the results are the same bits.
#include "tessera/codegen/conv2d.h"
#include "tessera/schedule/plan.h"

namespace tessera::schedule {

/// The input of a convolution with every cell of its window as channels of its own: channel
/// (ky*kw + kx) * ic + i of row y, column x is what the window of output (y, x) sees of input
/// channel i in kernel cell (ky, kx).
struct Unfold {
  View input;               ///< [n, ic, ih, iw] I8|U8
  codegen::WindowAxis y, x; ///< of the convolution, without inserted zeros
  int32_t padValue = 0;     ///< what cells outside of the input hold, as stored

  int64_t channels() const { return input.shape[1] * y.kernel * x.kernel; }
};

/// Loads channels [c0, c0 + to.c), output rows [row0, row0 + to.h) and columns [column0, column0 +
/// to.w) of batch n. The first commands, of the TIU, write the padding where the part has any.
codegen::Instructions loadUnfolded(const Unfold &u, int64_t n, int64_t c0, int64_t row0,
                                   int64_t column0, const codegen::LocalTensor &to);

/// True if the cube takes fewer steps over the unfolded channels of an `ic` x `cells` window.
bool unfoldPays(int64_t ic, int64_t cells);

} // namespace tessera::schedule
