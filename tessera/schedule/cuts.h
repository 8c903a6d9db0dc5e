#pragma once
// How layers are cut: blocks of channels by bands of rows and columns.
#include "tessera/codegen/conv2d.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace tessera::schedule {

using Range = std::pair<int64_t, int64_t>; ///< [first, end)

/// Even bands of an axis of a sliding window; empty if one of them sees no input cell or would need
/// more than 15 cells of padding. Bands start at multiples of `unit`.
std::vector<codegen::AxisSlice> splitAxis(const codegen::WindowAxis &axis, int64_t bands,
                                          int64_t unit = 1);
/// [first, end) of even pieces of [0, count), each but the last a multiple of `unit`.
std::vector<Range> splitRange(int64_t count, int64_t pieces, int64_t unit = 1);

/// A run of elements laid across the lanes, `width` in each: piece(first, lanes, width) of each
/// piece; what fills no lane lies in one.
template <class Piece> void acrossLanes(int64_t run, int64_t width, Piece piece) {
  for (int64_t at = 0; at < run;) {
    width = std::min(width, run - at);
    int64_t lanes = std::min((run - at) / width, chip::kLanes);
    piece(at, lanes, width);
    at += lanes * width;
  }
}

/// Channels in blocks of `slots` times 64.
std::vector<Range> channelBlocks(int64_t channels, int64_t slots);
/// The block sizes that are tried: all slots, half of them, and so on down to one.
std::vector<int64_t> blockSizes(int64_t slots);

/// How far searchBands looks.
struct BandSearch {
  int64_t mostRows = 1, mostColumns = 1; ///< bands
  int fitting = 3;                       ///< numbers of row bands that fit, for as many columns
  int64_t step = 4;                      ///< the next number is larger by one in so many
};
/// Offers the fewest row bands that fit, and some more, for the fewest column bands that can:
/// offer(row bands, column bands, blocks outside) says whether a plan fits. Blocks outside -
/// weights stay while the bands pass - are only offered where there are `severalBlocks`. True if
/// any fits.
template <class Offer> bool searchBands(const BandSearch &search, bool severalBlocks, Offer offer) {
  int tries = 0;
  for (int64_t columns = 1; columns <= search.mostColumns && tries < 2;
       columns += std::max<int64_t>(1, columns / 4)) {
    int kept = 0;
    for (int64_t rows = 1; rows <= search.mostRows && kept < search.fitting;) {
      bool fits = offer(rows, columns, false);
      if (fits && severalBlocks)
        offer(rows, columns, true);
      kept += fits;
      rows += std::max<int64_t>(1, rows / (fits ? search.step : 16));
    }
    tries += kept > 0;
  }
  return tries > 0;
}

/// body(batch, row band, column band, block) for each of them, blocks outermost or innermost.
template <class Body>
void eachSlice(int64_t batch, size_t rows, size_t columns, size_t blocks, bool blocksOutside,
               Body body) {
  auto bands = [&](size_t first, size_t end) {
    for (int64_t n = 0; n < batch; ++n)
      for (size_t r = 0; r < rows; ++r)
        for (size_t c = 0; c < columns; ++c)
          for (size_t o = first; o < end; ++o)
            body(n, r, c, o);
  };
  if (!blocksOutside)
    return bands(0, blocks);
  for (size_t o = 0; o < blocks; ++o)
    bands(o, o + 1);
}

/// Adds rows of lanes to a constant buffer, each piece on a 64-byte boundary and in the order in
/// which loadRows reads it; returns the piece's offset.
uint64_t appendRows(std::vector<uint8_t> &buffer, std::span<const uint8_t> lanes, int64_t rows,
                    int64_t width);

/// Most of `value` over a list.
template <class List, class Value> int64_t most(const List &list, Value value) {
  int64_t m = 0;
  for (const auto &element : list)
    m = std::max<int64_t>(m, value(element));
  return m;
}

} // namespace tessera::schedule
