#pragma once
// Private to sCONV on 8-bit inputs: where the input lies as packed cells (kernels/conv.h) and which
// of them each output meets.
#include "tessera/sim/exec/conv_job.h"
#include "tessera/sim/kernels/conv.h"

namespace tessera::sim::exec {

/// One axis. Outputs fall into phases (o = phase + phases * q) and inputs into planes, so that
/// output q of a phase meets the cells q + offset of the phase's taps, whatever stride, dilation
/// and insertion are. Zeros between inputs have no cells: an output meets only the taps that fall
/// on data.
struct CellAxis {
  struct Tap {
    int64_t kernel, plane, offset;
  };
  std::vector<std::vector<Tap>> taps;        ///< of every output phase
  std::vector<std::vector<int32_t>> sources; ///< of every plane's cells: input, kPad or kInsert
  int64_t phases() const { return int64_t(taps.size()); }
  int64_t planes() const { return int64_t(sources.size()); }
  int64_t length() const { return int64_t(sources.front().size()); }
};

/// Both axes. Planes and phases are numbered row first.
struct CellMap {
  CellAxis y, x;
  kernels::CellFormat format;
  /// Cells from row to row. Padding at the end of a row is that at the start of the next.
  int64_t pitch, shared;
  int64_t planeCells, groups, groupBytes;
  int64_t outRows, outColumns; ///< of one phase
  /// Outputs are computed strip by strip of `stripRows` rows of each phase (the last may have
  /// fewer), whose cells lie together: a core packs what it multiplies, and finds it in its cache.
  /// Planes, groups and taps are those of one strip, `rows` rows with those that the kernel adds.
  int64_t strips, stripRows, rows;
  struct Phase {
    std::vector<int64_t> taps;  ///< byte offsets of the cells
    std::vector<int64_t> index; ///< the taps' places in the weights
    int64_t before;             ///< taps of earlier phases
  };
  std::vector<Phase> phases;

  int64_t per() const { return kernels::channelsPerCell(format); }
  /// Of one strip.
  int64_t bytes() const { return groups * groupBytes + 4 * kernels::kMaxStep; }
};

CellMap cellMap(const ConvJob &, kernels::CellFormat);

/// Packs a strip of batch entry n into `out`, map.bytes() long.
void packCells(const ConvJob &, const CellMap &, int64_t n, int64_t strip, uint8_t *out);

} // namespace tessera::sim::exec
