#pragma once
// A 2x2 stride-2 transposed convolution and the 3x3 convolution behind it, as one op: what
// top.UpConv and tpu.UpConv mean. Output phase (a, b), the cells (2i + a, 2j + b), reads the small
// tensor at (i + a - 1 + t, j + b - 1 + s), t and s in {0, 1}, and the skip tensor in a 3x3 window
// around itself. Cells outside of either tensor are 0.
#include "tessera/interpret/kernels/conv2d.h"

namespace tessera::interpret {

/// Windows of output phase (a, b): over x [n, ic, h, w] and over skip [n, sc, H, W], where H is 2h
/// or 2h + 1 and W likewise. Both give ceil((H - a) / 2) rows and ceil((W - b) / 2) columns.
struct UpConvPhase {
  Window2d low, skip;
};
UpConvPhase upConvPhase(const Shape &x, const Shape &skip, int64_t a, int64_t b);

/// Which of the four biases along an axis a cell gets: 0 inside, 1 first, 2 the last cell that a
/// small cell reaches (2 * in - 1), 3 the padding cell behind it (2 * in). There the upsampled
/// tensor, which carries the transposed convolution's bias, ends.
int64_t upConvClass(int64_t cell, int64_t in);

/// Float. low [4, oc, ic, 2, 2] (phase 2a + b first), skipFilter [oc, sc, 3, 3], bias [oc, 4, 4] by
/// the classes of row and column, or null -> [n, oc, H, W].
Tensor upConv(const Tensor &x, const Tensor &skip, const Tensor &low, const Tensor &skipFilter,
              const Tensor *bias, bool relu, FloatPath path = FloatPath::Fast);

/// F32, F16 or BF16 in the chip's order of sums: both convolutions on one F32 sum, the bias, then
/// rounding to x's type and ReLU. Filters F32 whose values that type holds.
Tensor upConvCube(const Tensor &x, const Tensor &skip, const Tensor &low, const Tensor &skipFilter,
                  const Tensor *bias, bool relu);

/// Integers: both products in one accumulator that wraps, then + bias I32 saturating, requantize.
Tensor upConvInt(const Tensor &x, const Tensor &skip, const Tensor &low, const Tensor &skipFilter,
                 const Tensor *bias, const Requantization &q);

} // namespace tessera::interpret
