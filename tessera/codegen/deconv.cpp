#include "tessera/codegen/deconv.h"

#include "tessera/codegen/arith.h"

namespace tessera::codegen {

bool tiles(const WindowAxis &a) {
  return a.insert + 1 == a.kernel && a.stride == 1 && a.dilation == 1 &&
         a.padBefore == a.kernel - 1 && a.out == a.in * a.kernel;
}

bool runsByCell(DType type, const WindowAxis &y, const WindowAxis &x) {
  return type != DType::F32 && tiles(y) && tiles(x) && y.kernel * x.kernel > 1 &&
         y.kernel * x.out <= chip::kMaxArStride;
}

Instructions deconvByCell(const DeconvSlice &s) {
  Instructions list;
  const LocalTensor &in = s.input, &to = s.result;
  int64_t cells = s.kh * s.kw, cellBytes = s.layout.slotBytes / cells;
  bool floats = dtypeIsFloat(to.dtype);
  LocalTensor acc{s.accumulator, DType::I32, to.c, in.h, in.w};
  LocalTensor sum = acc, plane{s.plane, to.dtype, to.c, in.h, in.w};
  for (int64_t cell = 0; cell < cells; ++cell) {
    ConvSlice c;
    c.input = in;
    c.y = {0, in.h, 0, in.h, 0, 0};
    c.x = {0, in.w, 0, in.w, 0, 0};
    c.axisY.in = c.axisY.out = in.h;
    c.axisX.in = c.axisX.out = in.w;
    c.weights = uint32_t(s.constants + s.layout.filter + (cell * s.slots + s.slot) * cellBytes);
    c.weightBytes = cellBytes;
    c.weightsSigned = s.weightsSigned;
    auto bias = uint32_t(s.constants + s.layout.bias + 4 * s.slot);
    if (floats) {
      c.accumulator = plane;
      if (s.bias)
        c.bias = LaneRange{bias, bias + 4};
      list.push_back(convolve(c));
      if (s.relu)
        list.push_back(
            arith(Arith::Max, plane, tensorOperand(plane), immediateOperand(0, plane.dtype)));
    } else {
      c.accumulator = acc;
      list.push_back(convolve(c));
      if (s.sum) {
        sum.address = *s.sum;
        list.push_back(addBias(acc, bias, sum));
      }
      list.push_back(requantize(sum, uint32_t(s.constants + s.slot * chip::kEuBytes), plane));
    }
    // Result row y * kh + (the cell's row), column likewise.
    list.push_back(interleave(plane, s.kh, s.kw, cell / s.kw, cell % s.kw, to));
  }
  return list;
}

} // namespace tessera::codegen
