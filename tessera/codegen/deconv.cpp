#include "tessera/codegen/deconv.h"

#include "tessera/codegen/arith.h"

#include <numeric>

namespace tessera::codegen {
namespace {

int64_t strideOf(const WindowAxis &a) { return a.insert + 1; }

/// Outputs of a phase in outputs [out0, out1).
std::pair<int64_t, int64_t> phaseRange(int64_t stride, int64_t phase, int64_t out0, int64_t out1) {
  return {out0 / stride, chip::ceilDiv(std::max(out1 - phase, out0), stride)};
}

} // namespace

std::vector<DeconvPhase> deconvPhases(const WindowAxis &a) {
  int64_t stride = strideOf(a), common = std::gcd(a.dilation, stride);
  std::vector<DeconvPhase> list;
  for (int64_t phase = 0; phase < stride; ++phase) {
    // Cell t of the window lies at phase - padBefore + t * dilation; an input is there where that
    // is a multiple of the stride.
    auto at = [&](int64_t t) { return phase - a.padBefore + t * a.dilation; };
    int64_t first = 0;
    while (first < a.kernel && at(first) % stride)
      ++first;
    if (first == a.kernel || a.out <= phase || a.stride != 1)
      return {};
    DeconvPhase p;
    for (int64_t t = first; t < a.kernel; t += stride / common)
      p.cells.push_back(a.kernel - 1 - t); // the kernel is turned
    p.axis.in = a.in;
    p.axis.out = chip::ceilDiv(a.out - phase, stride);
    p.axis.dilation = a.dilation / common;
    p.axis.kernel = int64_t(p.cells.size());
    p.axis.padBefore = -at(first) / stride;
    list.push_back(std::move(p));
  }
  return list;
}

std::vector<std::vector<int64_t>> deconvCells(const WindowAxis &y, const WindowAxis &x) {
  std::vector<std::vector<int64_t>> list;
  for (const DeconvPhase &a : deconvPhases(y))
    for (const DeconvPhase &b : deconvPhases(x)) {
      list.emplace_back();
      for (int64_t row : a.cells)
        for (int64_t column : b.cells)
          list.back().push_back(row * x.kernel + column);
    }
  return list;
}

bool runsByPhases(DType type, const WindowAxis &y, const WindowAxis &x) {
  return type != DType::F32 && strideOf(y) * strideOf(x) > 1 && !deconvPhases(y).empty() &&
         !deconvPhases(x).empty() && strideOf(y) * x.out <= chip::kMaxArStride;
}

bool phasesSeeInput(const WindowAxis &axis, int64_t out0, int64_t out1) {
  auto phases = deconvPhases(axis);
  for (size_t k = 0; k < phases.size(); ++k) {
    auto [first, last] = phaseRange(strideOf(axis), int64_t(k), out0, out1);
    if (first == last)
      continue;
    auto s = sliceAxis(phases[k].axis, first, last);
    if (!s || s->padBefore > chip::kMaxPad || s->padAfter > chip::kMaxPad)
      return false;
  }
  return true;
}

Instructions deconvByPhases(const DeconvSlice &s) {
  Instructions list;
  const LocalTensor &to = s.result;
  bool floats = dtypeIsFloat(to.dtype);
  int64_t strideY = strideOf(s.y.axis), strideX = strideOf(s.x.axis);
  int64_t cellBytes = s.layout.slotBytes / (s.y.axis.kernel * s.x.axis.kernel), before = 0;
  auto phasesY = deconvPhases(s.y.axis), phasesX = deconvPhases(s.x.axis);
  for (size_t a = 0; a < phasesY.size(); ++a)
    for (size_t b = 0; b < phasesX.size(); ++b) {
      ConvSlice c;
      c.axisY = phasesY[a].axis;
      c.axisX = phasesX[b].axis;
      int64_t cells = c.axisY.kernel * c.axisX.kernel;
      c.weights =
          uint32_t(s.constants + s.layout.filter + (s.slots * before + s.slot * cells) * cellBytes);
      c.weightBytes = cells * cellBytes;
      before += cells;
      auto [row0, row1] = phaseRange(strideY, int64_t(a), s.y.out0, s.y.out1);
      auto [column0, column1] = phaseRange(strideX, int64_t(b), s.x.out0, s.x.out1);
      if (row0 == row1 || column0 == column1)
        continue;
      auto y = sliceAxis(c.axisY, row0, row1), x = sliceAxis(c.axisX, column0, column1);
      TESSERA_CHECK(y && x, "a phase that sees input");
      c.y = *y;
      c.x = *x;
      c.input = s.input.window(y->in0 - s.y.in0, y->inputs(), x->in0 - s.x.in0, x->inputs());
      c.weightsSigned = s.weightsSigned;
      LocalTensor acc{s.accumulator, DType::I32, to.c, row1 - row0, column1 - column0};
      LocalTensor sum = acc, plane{s.plane, to.dtype, to.c, acc.h, acc.w};
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
      list.push_back(interleave(plane, strideY, strideX, int64_t(a), int64_t(b), to));
    }
  return list;
}

} // namespace tessera::codegen
