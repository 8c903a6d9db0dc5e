#pragma once
// A transposed convolution by phases. Rows of the result with one remainder by the stride see the
// same rows of the kernel, and columns likewise: each pair of remainders is a plain convolution
// with those cells, whose result fills every so-many-th row and column. That takes the cube
// stride^2 times fewer steps than one convolution over inserted zeros; the same sums, but of F32,
// which the cube adds up in two chains by turns, the zeros' turns among them.
#include "tessera/codegen/conv2d.h"

namespace tessera::codegen {

/// One remainder along one axis: output j of `axis` is output j * stride + remainder.
struct DeconvPhase {
  WindowAxis axis;
  std::vector<int64_t> cells; ///< of the filter, in the order of the window
};
/// Of WindowAxis::transposed, by remainder; none if one of them has no output or sees no cell.
std::vector<DeconvPhase> deconvPhases(const WindowAxis &axis);
/// The kernel's cells (row * kw + column) by pair of phases, rows outermost: packConvBlock's order.
std::vector<std::vector<int64_t>> deconvCells(const WindowAxis &y, const WindowAxis &x);
/// Whether there is more than one phase, `type` sums alike, and the commands can say so.
bool runsByPhases(DType type, const WindowAxis &y, const WindowAxis &x);
/// Whether the phases of outputs [out0, out1), out0 a multiple of the stride, can run.
bool phasesSeeInput(const WindowAxis &axis, int64_t out0, int64_t out1);

/// Outputs [out0, out1) along one axis, out0 a multiple of the stride.
struct DeconvBand {
  WindowAxis axis;
  int64_t out0 = 0, out1 = 0;
  int64_t in0 = 0; ///< first row or column that the input tensor holds
};
/// One slot of 64 output channels of some rows and columns.
struct DeconvSlice {
  LocalTensor input; ///< [1, ic, h, w] I8|U8, or a half
  DeconvBand y, x;
  uint32_t constants = 0; ///< a block packed by phases
  ConvBlockLayout layout; ///< its layout
  int64_t slot = 0;       ///< the slot's number in the block
  int64_t slots = 1;      ///< of the block
  bool weightsSigned = true;
  uint32_t accumulator = 0, plane = 0; ///< int32 sums (none of halves) and results of one phase
  std::optional<uint32_t> sum;         ///< of sums and bias; none: there is no bias
  bool bias = false, relu = false;     ///< of halves
  LocalTensor result;                  ///< [1, oc, outputs, outputs]
};
Instructions deconvByPhases(const DeconvSlice &s);

} // namespace tessera::codegen
