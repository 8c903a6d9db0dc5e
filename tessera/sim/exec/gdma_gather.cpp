// DMA_gather: row h of the result is row index(h) of the source, or the constant where there is no
// such row.
#include "tessera/sim/exec/gdma_rows.h"

namespace tessera::sim::exec {

Status gdmaGather(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::DMA_gather>(command);
  if (f.nchw_copy && f.src_hsize != f.dst_hsize)
    return fail(
        "bad-shape", "destination",
        fmt::format("nchw_copy with {} rows of source and {} of result", f.src_hsize, f.dst_hsize));
  int64_t rows = int64_t(f.dst_hsize);
  TESSERA_ASSIGN(RowMove r, rowMove(m, f, rows, rows));
  uint64_t mask = laneMask(f);
  forChannels(r, [&](int64_t c) {
    if (!writable(r.dst, c, mask))
      return;
    for (int64_t h = 0; h < rows; ++h) {
      uint32_t row = r.row(c, h);
      uint8_t *to = r.target(c, h);
      if (int64_t(row) < r.srcDims.h)
        std::memmove(to, r.source(c, row), r.rowBytes);
      else
        for (size_t b = 0; b < r.rowBytes; b += size_t(r.dst.size))
          std::memcpy(to + b, &f.constant_value, size_t(r.dst.size));
    }
  });
  return {};
}

} // namespace tessera::sim::exec
