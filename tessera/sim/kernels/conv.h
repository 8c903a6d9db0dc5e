#pragma once
// The host's integer convolution: one long correlation of packed cells.
//
// A cell is 4 bytes at one position: 4 input channels as uint8 (format Bytes) or 2 as int16 (format
// Words). All positions of one channel group lie one behind the other, row by row, so the window's
// tap (ky, kx) is a constant byte offset, and output position p needs the cells at p + offset of
// every tap and group. Rows are as wide as the extended input: results beyond the output's width
// are computed and thrown away, which is cheaper than stopping at every row.
#include "tessera/numerics/conv_float.h"
#include "tessera/support/status.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace tessera::sim::kernels {

enum class CellFormat : uint8_t { Bytes, Words };
constexpr int64_t channelsPerCell(CellFormat f) { return f == CellFormat::Bytes ? 4 : 2; }

/// Output channels worked on together, at most; a smaller block has 4, 2 or 1.
inline constexpr int64_t kBlockChannels = 8;
/// Positions are done in steps of at most this many: kernels read and write up to the next
/// multiple.
inline constexpr int64_t kMaxStep = 64;

/// out[o][p] = init[o] (or out[o][p]) + sum over groups, taps and the cell's channels of cell *
/// weight, modulo 2^32, for o in [0, channels) and p in [0, positions).
struct ConvTask {
  const uint8_t *cells; ///< group 0, position 0; readable kMaxStep cells past the last one needed
  int64_t groupStride;  ///< bytes
  int64_t groups;
  const int64_t *taps; ///< byte offsets
  int64_t tapCount;
  const uint32_t *weights; ///< [group][tap][channels] cells: 4 int8 or 2 int16
  const int32_t *init;     ///< [channels]
  int64_t channels;        ///< 8, 4, 2 or 1
  /// [channels][outStride]; outStride holds positions rounded up to the kernel's step, for which
  /// positions + kMaxStep is always enough.
  int32_t *out;
  int64_t outStride;
  int64_t positions;
  bool adds = false; ///< starts from what `out` holds instead of `init`
};

struct Requantize; // elementwise.h

/// total = saturating sums + bias; out = requantized total, unless it is null. Nothing overlaps,
/// but total may be sums.
struct FinishTask {
  int32_t *total;
  uint8_t *out;
  const int32_t *sums;
  int64_t count;
  int32_t bias;
  const Requantize *requantize;
};

struct ConvKernel {
  std::string_view name;
  /// Bytes: uint8 cells times int8 weights; null where Words is all the host has.
  void (*bytes)(const ConvTask &);
  /// Words: int16 cells times int16 weights, sums modulo 2^32.
  void (*words)(const ConvTask &);
  /// What follows a convolution, on a row of its sums.
  void (*finish)(const FinishTask &);
  /// Groups go in slices whose cells take at most this many bytes, 0 = all at once: narrow vectors
  /// come back to a cell too often to have it wait in the second-level cache.
  int64_t sliceBytes = 0;
};

/// Every kernel this host can run, slowest first; "portable" is always there.
std::span<const ConvKernel> convKernels();
/// The kernel in use: the fastest, or the one named by setConvKernel or TESSERA_SIM_KERNEL.
const ConvKernel &convKernel();
/// Vectors of the float convolutions that go with it.
numerics::Vectors floatVectors();
/// Error "bad-environment" where TESSERA_SIM_KERNEL names no kernel of this machine; it then would
/// not be used.
Status checkKernelChoice();
/// Forces a kernel by name ("" = the fastest); false when this host has no such kernel.
bool setConvKernel(std::string_view name);

} // namespace tessera::sim::kernels
