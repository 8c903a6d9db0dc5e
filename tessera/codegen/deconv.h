#pragma once
// A transposed convolution whose windows do not overlap (kernel = stride), cell by cell: each
// kernel cell is a 1x1 convolution that makes every kh-th row and kw-th column of the result. A
// kernel's number of cells cheaper than one convolution over inserted zeros; the same sums, but of
// F32, which the cube adds up in two chains by turns, the zeros' turns among them.
#include "tessera/codegen/conv2d.h"

namespace tessera::codegen {

/// Whether a transposed convolution's windows tile its result along an axis.
bool tiles(const WindowAxis &axis);
/// Whether they tile it along both, `type` sums alike, and the commands can say so.
bool runsByCell(DType type, const WindowAxis &y, const WindowAxis &x);

/// One slot of 64 output channels of some rows and columns.
struct DeconvSlice {
  LocalTensor input;      ///< [1, ic, h, w] I8, or a half
  int64_t kh = 1, kw = 1; ///< of the kernel
  uint32_t constants = 0; ///< a block packed by cell
  ConvBlockLayout layout; ///< its layout
  int64_t slot = 0;       ///< the slot's number in the block
  int64_t slots = 1;      ///< of the block
  bool weightsSigned = true;
  uint32_t accumulator = 0, plane = 0; ///< int32 sums (none of halves) and results of one cell
  std::optional<uint32_t> sum;         ///< of sums and bias; none: there is no bias
  bool bias = false, relu = false;     ///< of halves
  LocalTensor result;                  ///< [1, oc, kh * h, kw * w]
};
Instructions deconvByCell(const DeconvSlice &s);

} // namespace tessera::codegen
