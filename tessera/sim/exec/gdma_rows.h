#pragma once
// What gather and scatter share: rows of w elements per channel, moved by a tensor of 32-bit row
// numbers (docs/numerics.md "GDMA"). Batches there are none.
#include "tessera/sim/element.h"
#include "tessera/sim/exec/gdma.h"

namespace tessera::sim {

struct RowMove {
  Side src, dst, index;
  Dims srcDims, dstDims, indexDims;
  int64_t channels, rows; ///< of the index tensor, repeated where it or the source has one channel
  size_t rowBytes;

  uint32_t row(int64_t c, int64_t h) const {
    return loadAs<uint32_t>(index.at(0, indexDims.c == 1 ? 0 : c, h, 0));
  }
  const uint8_t *source(int64_t c, int64_t h) const {
    return src.at(0, srcDims.c == 1 ? 0 : c, h, 0);
  }
  uint8_t *target(int64_t c, int64_t h) const { return dst.at(0, c, h, 0); }
};

/// Both commands' fields. `rows` is the row count of the side that is walked: of gather the
/// destination's, of scatter the source's; the index's own count says nothing. Nor do the
/// destination's channels and columns.
template <class F>
Result<RowMove> rowMove(Machine &m, const F &f, int64_t rows, int64_t targetRows) {
  TESSERA_ASSIGN(int64_t size, elementBytes(f));
  if (f.cmd_special_function || f.fill_constant_en)
    return unsupported("moving rows with a special function or a fill");
  RowMove r;
  int64_t srcRows = int64_t(f.src_hsize), w = int64_t(f.src_wsize);
  r.srcDims = {1, int64_t(f.src_csize), srcRows, w};
  r.indexDims = {1, int64_t(f.index_csize), rows, 1};
  if (r.srcDims.c != 1 && r.indexDims.c != 1 && r.srcDims.c != r.indexDims.c)
    return fail(
        "bad-shape", "index",
        fmt::format("{} channels of rows and {} of row numbers", r.srcDims.c, r.indexDims.c),
        "they are as many, or one of the two has a single channel, which serves all of the "
        "other's");
  r.channels = std::max(r.srcDims.c, r.indexDims.c);
  r.dstDims = {1, r.channels, targetRows, w};
  // Row counts are 32 bits: keep their products small before anyone multiplies.
  for (const Dims &d : {r.srcDims, r.dstDims, r.indexDims})
    if (d.h > kMaxElements || d.c * d.w > (int64_t(1) << 33) / std::max<int64_t>(1, d.h))
      return fail(
          "bad-shape", "",
          fmt::format("{} channels of {} rows by {} are more than all memory", d.c, d.h, d.w));
  r.rows = rows;
  r.rowBytes = size_t(w * size);
  uint64_t indexAddress = f.index_start_addr_h8 << 32 | f.index_start_addr_l32;
  TESSERA_ASSIGN(r.src, side(m, "source", isa::sourceAddress(f), r.srcDims, size, f.stride_enable,
                             {0, int64_t(f.src_cstride), int64_t(f.src_hstride), 1}, Access::Read));
  TESSERA_ASSIGN(
      r.dst, side(m, "destination", isa::destinationAddress(f), r.dstDims, size, f.stride_enable,
                  {0, int64_t(f.dst_cstride), int64_t(f.dst_hstride), 1}, Access::Write));
  TESSERA_ASSIGN(r.index, wordSide(m, "index", indexAddress, r.indexDims, 4, f.stride_enable,
                                   {0, int64_t(f.index_cstride), int64_t(f.index_hstride), 1}));
  return r;
}

/// Calls channel(c) for all, side by side where nothing that is written is read or written again.
template <class Channel> void forChannels(const RowMove &r, Channel channel) {
  Dims indexBytes = r.indexDims;
  indexBytes.w = 4;
  bool serial = orderMatters(r.src, r.srcDims, r.dst, r.dstDims) ||
                overlap(r.index, indexBytes, r.dst, r.dstDims) ||
                r.dstDims.count() <= 4 * kSerialElements;
  auto run = [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c)
      channel(c);
  };
  if (serial)
    run(0, r.channels);
  else
    parallelFor(r.channels, 1, run);
}

} // namespace tessera::sim
