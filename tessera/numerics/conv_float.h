#pragma once
// The host's float convolution: 16 output channels at a time over a list of positions, in the
// cube's order and rounding ("BM1684X measured numerics", section 8). One entry serves operands
// that no denormal, infinity or NaN can come out of, where plain arithmetic equals the rules; the
// other follows the rules step by step and serves all.
#include <cstdint>

namespace tessera::numerics {

/// Output channels of a group.
inline constexpr int64_t kFloatGroup = 16;
/// Input channels that the cube sums at once, for fp16 and bf16.
inline constexpr int64_t kFloatBlock = 32;

/// Host vectors; all give the same bits.
enum class Vectors : uint8_t { Portable, Avx2, Avx512 };
/// The widest that this host has.
Vectors widestVectors();

/// Sizes of the values of an operand: what decides whether plain arithmetic will do.
struct Magnitudes {
  uint32_t low = 0xFFFFFFFFu, high = 0; ///< smallest (but zero) and largest, as bits of |v|

  void add(uint32_t bits) {
    bits &= 0x7FFFFFFF;
    high = bits > high ? bits : high;
    low = bits - 1 < low - 1 ? bits : low; // 0 - 1 is the largest
  }
  void add(const Magnitudes &o) {
    high = o.high > high ? o.high : high;
    low = o.low < low ? o.low : low;
  }
};

/// Cells and weights of one convolution, for `count` positions and one group of output channels.
struct FloatConvTask {
  const float *cells;       ///< [cell][channel]
  const int64_t *positions; ///< offset in `cells` of a position's first cell, [count]
  int64_t count;
  const int64_t *taps; ///< offset of each tap from there
  int64_t tapCount, channels;
  /// [channel][tap][16]; by blocks: [block of 32 channels][tap][channel of the block][16].
  const float *weights;
  /// [position][16]: what the sums start with, then the results. `odd` is the second chain.
  float *sums, *odd;
  /// The first operand, whose NaN wins: of fp32's last sum `odd`, else a block's sum.
  bool turned = false;
  Vectors vectors = widestVectors(); ///< that this host has
};

/// Whether products of such cells and weights need none of the rules for special values. `chains`:
/// of fp32's sums, which round each product.
bool isPlain(const Magnitudes &cells, const Magnitudes &weights, bool chains);
/// Whether such a value may stand in a chain with plain products.
inline bool isPlainStart(uint32_t bits) {
  uint32_t exponent = bits >> 23 & 0xFF;
  return (bits & 0x7FFFFFFF) == 0 || (exponent >= 24 && exponent < 255);
}

/// fp32: sums takes products 0, 2, 4..., odd 1, 3, 5...; then sums += odd.
void convChains(const FloatConvTask &, bool plain);
/// fp16 and bf16: sums += the cube's sum of every block and tap.
void convBlocks(const FloatConvTask &, bool plain);

} // namespace tessera::numerics
