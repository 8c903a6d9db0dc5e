#pragma once
// What sCONV and sPorD share: the geometry of a sliding window.
#include "test/soak/generator.h"

#include <algorithm>

namespace tessera::soak {

/// One axis of a window: fields that give at least one output.
struct Axis {
  int64_t in, out, kernel, stride, dilation, insert, before, after;
};
/// Inputs up to `mostIn`, kernels up to `mostKernel` cells; `mode` is the padding mode.
inline Axis drawAxis(Draw &d, bool padded, int64_t mode, int64_t mostIn, int64_t mostKernel) {
  Axis a;
  for (;;) {
    a.in = d.size(mostIn, 9);
    a.kernel = d.chance(0.3) ? 1 : d.size(mostKernel, 4);
    a.stride = d.chance() ? 1 : d.size(15, 3);
    a.dilation = d.chance(0.7) ? 1 : d.size(15, 3);
    a.insert = d.chance(0.8) ? 0 : d.between(1, d.chance(0.8) ? 3 : 14);
    a.before = padded ? d.between(0, d.chance(0.8) ? 2 : 15) : 0;
    a.after = padded ? d.between(0, d.chance(0.8) ? 2 : 15) : 0;
    int64_t grid = (a.in - 1) * (a.insert + 1) + 1;
    if (mode == 1) { // a reflection must stay inside
      a.before = std::min(a.before, grid - 1);
      a.after = std::min(a.after, grid - 1);
    } else if (mode == 3) {
      a.before = std::min(a.before, grid);
      a.after = std::min(a.after, grid);
    }
    int64_t span = grid + a.before + a.after - ((a.kernel - 1) * a.dilation + 1);
    if (span < 0)
      continue;
    a.out = span / a.stride + 1;
    return a;
  }
}

/// Both axes as fields of a command.
template <class Form> void setWindow(Form &f, const Axis &y, const Axis &x) {
  f.res0_h = y.out, f.res0_w = x.out;
  f.opd0_h = y.in, f.opd0_w = x.in, f.opd1_h = y.kernel, f.opd1_w = x.kernel;
  f.res_op_y_str = y.stride, f.res_op_x_str = x.stride;
  f.opd1_y_ins0 = y.dilation - 1, f.opd1_x_ins0 = x.dilation - 1;
  f.opd0_y_ins0 = y.insert, f.opd0_x_ins0 = x.insert;
  f.opd0_up_pad = y.before, f.opd0_dn_pad = y.after;
  f.opd0_lf_pad = x.before, f.opd0_rt_pad = x.after;
}

} // namespace tessera::soak
