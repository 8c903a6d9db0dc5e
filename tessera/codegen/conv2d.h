#pragma once
// A convolution, plain or transposed, on one slice. INT8: sCONV to int32, saturating bias add,
// requantize (bm1684x.md 4.5, 4.9). Floats: one sCONV with its bias, whose result is of the input's
// type.
#include "tessera/codegen/instruction.h"
#include "tessera/tensor/window.h"

#include <optional>
#include <span>

namespace tessera::codegen {

/// Constants of output channels [oc0, oc1) and input channels [ic0, ic1) as the chip reads them:
/// one row of bytes a lane (bm1684x.md 2.5, 2.7).
struct ConvBlock {
  std::vector<uint8_t> bytes; ///< rows x width
  int64_t rows = 0, width = 0;
};
/// Where things lie in a block's row, in bytes.
struct ConvBlockLayout {
  int64_t bias = 0, filter = 0; ///< the requant triples are at 0
  int64_t slotBytes = 0;        ///< of the filter, from one slot of 64 output channels to the next
  int64_t width = 0;
};
/// `tail`: requant triples (integers only) and bias come first.
ConvBlockLayout convBlockLayout(int64_t oc, int64_t ic, int64_t kernelCells, bool tail, bool bias,
                                DType filter = DType::I8);
/// `filter` I8|U8, or a float type with bias F32, [oc, ic, kh, kw] with all groups written out
/// (expandGroups). `tail` false leaves requant triples and bias out: a part of the input channels
/// that another part finishes. `phases`: lists of kernel cells, each of them once, that follow one
/// another with all their slots, so that each list can be used as a filter of its own; none: all
/// cells as they are. More than one only where a cell's channels fill 64-byte units (not F32).
ConvBlock packConvBlock(const Tensor &filter, const Tensor *bias,
                        std::span<const int32_t> multiplier, std::span<const int32_t> rshift,
                        int64_t oc0, int64_t oc1, int64_t ic0, int64_t ic1, bool tail,
                        const std::vector<std::vector<int64_t>> &phases = {});
/// [oc, ic/group, kh, kw] -> [oc, ic, kh, kw] with zeros between groups: same sums, dense form.
Tensor expandGroups(const Tensor &filter, int64_t group);
/// [oc, ic, kh, kw] -> [oc, kh*columns*ic, 1, kw/columns]: kernel cells outermost, as an unfolded
/// input has them. `columns` is kw or 1.
Tensor unfoldFilter(const Tensor &filter, int64_t columns);
/// Pad table [1,ic,1,2] of pairs (pad, insert) of `type`, compact: rows of min(ic, 64) lanes.
/// `padValue`: integers, or a float's bits.
ConvBlock packPadTable(std::span<const int32_t> padValue, int64_t ic0, int64_t ic1, DType type);

/// One slice along one axis of a sliding window: outputs [out0, out1) read inputs [in0, in1) with
/// padBefore and padAfter cells outside.
struct AxisSlice {
  int64_t out0 = 0, out1 = 0, in0 = 0, in1 = 0, padBefore = 0, padAfter = 0;
  int64_t outputs() const { return out1 - out0; }
  int64_t inputs() const { return in1 - in0; }
  bool operator==(const AxisSlice &) const = default;
};
/// One axis of a window over an input with `insert` zeros between neighbours.
struct WindowAxis {
  int64_t in = 1, out = 1;
  int64_t insert = 0, stride = 1, dilation = 1, kernel = 1;
  int64_t padBefore = 0; ///< of the extended input; negative = that many cells are skipped

  int64_t extent() const { return (kernel - 1) * dilation + 1; }
  static WindowAxis convolution(const Window2d &w, int axis, int64_t in, int64_t out);
  /// As a stride-1 convolution over inserted zeros with the kernel rotated (bm1684x.md 4.9).
  static WindowAxis transposed(const Window2d &w, int axis, int64_t in, int64_t out);
};
/// nullopt if the slice sees no real input cell.
std::optional<AxisSlice> sliceAxis(const WindowAxis &axis, int64_t out0, int64_t out1);

struct ConvSlice {
  LocalTensor input; ///< [1, ic, rows, columns] I8|U8
  AxisSlice y, x;
  WindowAxis axisY, axisX;
  bool rotate = false;  ///< transposed convolution
  uint32_t weights = 0; ///< address of the filter part
  bool weightsSigned = true;
  int64_t weightBytes = 0; ///< a lane's
  int32_t padValue = 0;    ///< what padding cells hold (a float's bits), if padTable is absent
  std::optional<LaneRange> padTable;
  bool accumulate = false;       ///< add to what the accumulator holds
  LocalTensor accumulator;       ///< I32 [1, oc, oh, ow]; of floats the result, of the input's type
  std::optional<LaneRange> bias; ///< floats: compact F32 [1, oc, 1, 1]; depthwise: of I32
};
Instruction convolve(const ConvSlice &s);
/// sum = sat32(acc + bias), bias compact int32 [1,c,1,1] at `bias`. Costs half if sum is not acc.
Instruction addBias(const LocalTensor &acc, uint32_t bias, const LocalTensor &sum);
/// Writes output channel o's triple of the requantize table; one multiplier or shift is for all.
void putRequantTriple(uint8_t *to, std::span<const int32_t> multiplier,
                      std::span<const int32_t> rshift, int64_t o);
/// Requantize with the triples at `table`, rounding half up; result I8|U8.
Instruction requantize(const LocalTensor &sum, uint32_t table, const LocalTensor &result);

} // namespace tessera::codegen
