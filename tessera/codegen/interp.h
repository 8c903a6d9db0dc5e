#pragma once
#include "tessera/codegen/instruction.h"
#include "tessera/tensor/taps.h"

#include <span>

namespace tessera::codegen {

/// Nearest resize of one slice: result row y takes input row rows[y], column x takes columns[x]
/// (indices into the local input, never decreasing). `between`: [1,c,input rows,result columns] of
/// the same type, used only if needsBetween() says so.
Instructions nearest(const LocalTensor &input, std::span<const int64_t> rows,
                     std::span<const int64_t> columns, const LocalTensor &between,
                     const LocalTensor &result);
/// False where both maps are i / factor: one pass without an intermediate.
bool nearestNeedsBetween(std::span<const int64_t> rows, std::span<const int64_t> columns);

/// What a resize by weighted sums works on beside input and result; lane bytes of each.
struct BlendScratch {
  DType between, sums; ///< of the sums over columns, and over both
  int64_t betweenBytes = 0, productBytes = 0;
  int products = 0;
  int64_t wideBytes = 0; ///< 0: the last sum saturates to the result by itself
};
BlendScratch blendScratch(DType type, int64_t channels, int64_t rows, const AxisTaps &tapsY,
                          const AxisTaps &tapsX);

/// sat((sum of weights * input) >> bits), half up, exact in between; of F32 sums over columns, then
/// over rows, every product and sum rounded, in the taps' order. Taps are indices into the local
/// input; input and result I8|U8|F32, alike. Addresses of scratch as blendScratch() wants it.
struct BlendPlaces {
  uint32_t between = 0, wide = 0;
  std::array<uint32_t, 3> products{0, 0, 0};
};
Instructions blend(const LocalTensor &input, const AxisTaps &tapsY, const AxisTaps &tapsX,
                   const BlendPlaces &at, const LocalTensor &result);

} // namespace tessera::codegen
