#pragma once
// Private to the commands that move a window over a tensor: the fields that sCONV and sPorD spell
// alike.
#include "tessera/codegen/conv2d.h"

namespace tessera::codegen {

template <class Fields>
void setWindow(Fields &f, const LocalTensor &input, const AxisSlice &y, const AxisSlice &x,
               const WindowAxis &axisY, const WindowAxis &axisX, const LocalTensor &result) {
  f.opd0_up_pad = uint64_t(y.padBefore);
  f.opd0_dn_pad = uint64_t(y.padAfter);
  f.opd0_lf_pad = uint64_t(x.padBefore);
  f.opd0_rt_pad = uint64_t(x.padAfter);
  f.res_op_x_str = uint64_t(axisX.stride);
  f.res_op_y_str = uint64_t(axisY.stride);
  f.opd1_x_ins0 = uint64_t(axisX.dilation - 1);
  f.opd1_y_ins0 = uint64_t(axisY.dilation - 1);
  f.res0_n = 1;
  f.res0_c = uint64_t(result.c);
  f.res0_h = uint64_t(result.h);
  f.res0_w = uint64_t(result.w);
  f.opd0_h = uint64_t(input.h);
  f.opd0_w = uint64_t(input.w);
  f.opd1_h = uint64_t(axisY.kernel);
  f.opd1_w = uint64_t(axisX.kernel);
  f.res0_addr = result.address;
  f.opd0_addr = input.address;
}

} // namespace tessera::codegen
