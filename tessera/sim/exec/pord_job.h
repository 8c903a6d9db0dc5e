#pragma once
// What the parts of sPorD share: the prepared command, and the walk over windows.
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/local.h"
#include "tessera/sim/window.h"

namespace tessera::sim::exec {

enum PordOp : uint64_t { kDepthwise = 0, kAverage = 1, kDepthwiseRelu = 2, kMax = 4 };

struct PordJob {
  isa::sPorD f;
  uint64_t op;  ///< region forms as their plain ones
  bool regions; ///< one result a box of a table instead of a sliding window
  Dims d;
  Window window;
  std::vector<int32_t> rows, columns;
  std::vector<int32_t> cells; ///< with regions, the extended plane: indices in the plane, or kPad
  Type type, to;
  Local res, src;
  Operand weight, bias, edge; ///< edge: compact (pad, insert) pairs, or an immediate

  bool depthwise() const { return op == kDepthwise || op == kDepthwiseRelu; }
  int64_t taps() const { return window.y.kernel * window.x.kernel; }
};

/// Fills in the window over the boxes of a table (roi.cpp).
Status pordRegions(Machine &, PordJob &);
Status pordIntegers(const PordJob &);
Status pordFloats(const PordJob &);

/// The extended plane of one (n, c), as T; load(out, source, count) reads neighbouring elements.
template <class T, class Load>
void extend(const PordJob &j, std::vector<T> &plane, int64_t n, int64_t c, T pad, T insert,
            Load load) {
  int64_t width = int64_t(j.columns.size()), size = j.src.size;
  plane.resize(j.rows.size() * j.columns.size());
  const uint8_t *src = j.src.plane(n, c);
  if (j.regions) {
    for (size_t i = 0; i < j.cells.size(); ++i)
      if (plane[i] = pad; j.cells[i] != Axis::kPad)
        load(&plane[i], src + size * j.cells[i], 1);
    return;
  }
  // Without insertion, and padded with a constant, a row is pad, input, pad.
  bool plain = j.window.x.insert == 0 && j.window.mode == PadMode::Constant;
  int64_t left = j.window.x.padBefore, in = j.window.x.in;
  for (size_t y = 0; y < j.rows.size(); ++y) {
    T *out = plane.data() + int64_t(y) * width;
    int32_t row = j.rows[y];
    if (row == Axis::kPad) {
      std::fill_n(out, width, pad);
    } else if (plain && row >= 0) {
      std::fill_n(out, left, pad);
      load(out + left, src + size * row * j.src.strides.h, in);
      std::fill(out + left + in, out + width, pad);
    } else {
      for (int64_t x = 0; x < width; ++x) {
        int32_t column = j.columns[x];
        if (column == Axis::kPad || column < 0 || row < 0)
          out[x] = column == Axis::kPad ? pad : insert;
        else
          load(out + x, src + size * (row * j.src.strides.h + column), 1);
      }
    }
  }
}

/// Calls tap(extended row segment of the tap, index in the kernel) for all taps of output row oy.
template <class T, class Tap>
void taps(const PordJob &j, const std::vector<T> &plane, int64_t oy, Tap tap) {
  const Axis &ya = j.window.y, &xa = j.window.x;
  int64_t width = int64_t(j.columns.size());
  for (int64_t ky = 0; ky < ya.kernel; ++ky)
    for (int64_t kx = 0; kx < xa.kernel; ++kx) {
      int64_t at = ky * xa.kernel + kx;
      tap(plane.data() + (oy * ya.stride + ky * ya.dilation) * width + kx * xa.dilation,
          j.f.kernel_rotate ? j.taps() - 1 - at : at);
    }
}

/// body(n, c, scratch plane) for all channels, lanes side by side.
template <class T, class Body> void planes(const PordJob &j, Body body) {
  forLanes(j.d.c, j.d.count() * j.taps(), [&](int64_t first) {
    std::vector<T> plane;
    for (int64_t n = 0; n < j.d.n; ++n)
      for (int64_t c = first; c < j.d.c; c += chip::kLanes)
        body(n, c, plane);
  });
}

} // namespace tessera::sim::exec
