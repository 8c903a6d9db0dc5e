// DMA_scatter: row h of the source becomes row index(h) of the destination; of several the last
// stays, and one that has no place there is dropped.
#include "tessera/sim/exec/gdma_rows.h"

namespace tessera::sim::exec {

Status gdmaScatter(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::DMA_scatter>(command);
  int64_t places = int64_t(f.nchw_copy ? f.src_hsize : f.dst_hsize);
  TESSERA_ASSIGN(RowMove r, rowMove(m, f, int64_t(f.src_hsize), places));
  uint64_t mask = laneMask(f);
  forChannels(r, [&](int64_t c) {
    if (!writable(r.dst, c, mask))
      return;
    for (int64_t h = 0; h < r.rows; ++h)
      if (uint32_t row = r.row(c, h); int64_t(row) < places)
        std::memmove(r.target(c, row), r.source(c, h), r.rowBytes);
  });
  return {};
}

} // namespace tessera::sim::exec
