#pragma once
// A depthwise convolution on one slice. Integers: sPorD to int32 with its bias, requantize
// (bm1684x.md 3.7). Floats: one sPorD, which rounds every product and sum to their type. The dense
// form makes the cube multiply zeros: 64 channels of it take four times the steps.
#include "tessera/codegen/conv2d.h"

namespace tessera::codegen {

/// As convBlockLayout: requant triples (integers only), bias, then each slot's kernel, without
/// gaps.
ConvBlockLayout depthwiseBlockLayout(int64_t channels, int64_t kernelCells, bool bias,
                                     DType filter);
/// Channels [c0, c1) of `filter` I8|U8 or a float type [c, 1, kh, kw]; a float's bias F32 is
/// rounded to that type.
ConvBlock packDepthwiseBlock(const Tensor &filter, const Tensor *bias,
                             std::span<const int32_t> multiplier, std::span<const int32_t> rshift,
                             int64_t c0, int64_t c1);
/// Whether no sum with its bias leaves 32 bits: the command's own addition wraps, while a
/// convolution's bias saturates.
bool biasFitsSum(const Tensor &filter, const Tensor &bias);
/// Bytes of a bias beside such a filter.
int64_t depthwiseBiasBytes(DType filter);
/// One slot of channels of aligned input; the accumulator becomes the sum, with the bias (I32, or
/// of the input's float type) where there is one.
Instruction convolveDepthwise(const ConvSlice &s);

} // namespace tessera::codegen
