#pragma once
// A depthwise convolution of 8-bit integers on one slice: sPorD to int32 with its bias, requantize
// (bm1684x.md 3.7). The dense form makes the cube multiply zeros: 64 channels of it take four times
// the steps.
#include "tessera/codegen/conv2d.h"

namespace tessera::codegen {

/// As convBlockLayout: requant triples, bias, then each slot's kernel, without gaps.
ConvBlockLayout depthwiseBlockLayout(int64_t channels, int64_t kernelCells, bool bias);
/// Channels [c0, c1) of `filter` I8|U8 [c, 1, kh, kw].
ConvBlock packDepthwiseBlock(const Tensor &filter, const Tensor *bias,
                             std::span<const int32_t> multiplier, std::span<const int32_t> rshift,
                             int64_t c0, int64_t c1);
/// Whether no sum with its bias leaves 32 bits: the command's own addition wraps, while a
/// convolution's bias saturates.
bool biasFitsSum(const Tensor &filter, const Tensor &bias);
/// One slot of channels of aligned input; the accumulator becomes the sum, with the I32 bias where
/// `bias` has one. No pad table.
Instruction convolveDepthwise(const ConvSlice &s);

} // namespace tessera::codegen
