#pragma once
// What a convolution and a transposed convolution share: output cell o of an axis is a sum over
// taps (kernel index, input index). Internal to interpret/kernels.
#include "tessera/tensor/window.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace tessera::interpret {

struct Tap {
  int64_t kernel; ///< index into the filter
  int64_t offset; ///< input index = (o / phases) * inStride + offset; may lie outside the input
};

/// One axis. Output o belongs to phase o % phases() and reads the taps of that phase.
struct AxisTaps {
  int64_t in = 0, out = 0;
  int64_t inStride = 1;
  std::vector<std::vector<Tap>> phase; ///< each by ascending offset, evenly spaced

  int64_t phases() const { return int64_t(phase.size()); }
  /// Outputs of phase q.
  int64_t count(int64_t q) const { return out <= q ? 0 : (out - q - 1) / phases() + 1; }
};

/// One phase; taps k * dilation - pad.
AxisTaps convTaps(const Window2d &window, int axis, int64_t in);
/// `stride` phases: output o reads input (o + pad - k * dilation) / stride where that divides.
AxisTaps deconvTaps(const Window2d &window, int axis, int64_t in);

/// Sizes of one convolution, groups included.
struct SlidingShape {
  int64_t n, ic, oc, group, kh, kw;
  AxisTaps rows, cols;
};

/// Called for cells x = x0 + i * step, i < count, of row y of plane (image, channel), each cell
/// once, from several threads.
template <class Acc>
using RowSink = std::function<void(int64_t image, int64_t channel, int64_t y, int64_t x0,
                                   int64_t step, int64_t count, const Acc *values)>;

/// Sums of products in 32-bit arithmetic that wraps. Input cells are I8 or U8 bytes by `xSigned`,
/// weights [oc, ic/group, kh, kw] by `wSigned`; `pad` has one value per input channel or is empty
/// (zeros).
void slidingSumsInt(const SlidingShape &s, const uint8_t *x, bool xSigned, const uint8_t *w,
                    bool wSigned, const std::vector<int32_t> &pad, const RowSink<uint32_t> &sink);
/// The same in fp32: products and sums rounded one by one, over input channel, then taps; the same
/// on every host.
void slidingSumsFloat(const SlidingShape &s, const float *x, const float *w,
                      const std::vector<float> &pad, const RowSink<float> &sink);

/// oneDNN: y [n, oc, rows.out, cols.out] = sums + bias (may be null), ReLU if asked. Pads hold
/// zeros. False if oneDNN cannot do it; y is then unspecified.
bool slidingSumsFast(const SlidingShape &s, const float *x, const float *w, const float *bias,
                     bool relu, float *y);

} // namespace tessera::interpret
