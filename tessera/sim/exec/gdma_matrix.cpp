// DMA_matrix: rows of a matrix in flat memory, their columns spread over channels in local memory
// (bm1684x.md 2.8 and 3.13). Column x of row r is element (r, x / w, 0, x mod w).
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/exec/gdma.h"

namespace tessera::sim::exec {

Status gdmaMatrix(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::DMA_matrix>(command);
  int64_t size = chip::bytesOf(Type(f.src_data_format));
  if (size == 0 || f.decompress_enable)
    return unsupported("this element format");
  if (f.cmd_special_function || f.fill_constant_en)
    return unsupported(fmt::format("GDMA matrix special function {}", f.cmd_special_function));
  uint64_t from = isa::sourceAddress(f), to = isa::destinationAddress(f);
  bool loads = chip::spaceOf(to) == chip::Space::Local;
  if (loads == (chip::spaceOf(from) == chip::Space::Local))
    return fail("bad-address", "",
                fmt::format("a matrix moves between local and other memory, not "
                            "from 0x{:x} to 0x{:x}",
                            from, to));
  // The flat side has h and w, the local side n, c and w.
  Dims flat = loads ? sourceDims(f) : destinationDims(f);
  Dims spread = loads ? destinationDims(f) : sourceDims(f);
  LocalLayout flatStrides = loads ? sourceStrides(f) : destinationStrides(f);
  LocalLayout spreadStrides = loads ? destinationStrides(f) : sourceStrides(f);
  flat.n = flat.c = spread.h = 1;
  int64_t rows = flat.h, columns = flat.w;
  if (spread.n != rows || spread.w < 1 || spread.c != chip::ceilDiv(columns, spread.w))
    return fail("bad-shape", "",
                fmt::format("{} rows of {} columns in {} rows of {} channels by {}", rows, columns,
                            spread.n, spread.c, spread.w));
  flatStrides = {0, 0, f.stride_enable ? flatStrides.h : columns, 1};
  spreadStrides.h = 0;
  spreadStrides.w = 1;
  TESSERA_ASSIGN(Side memory, side(m, loads ? "source" : "destination", loads ? from : to, flat,
                                   size, true, flatStrides, loads ? Access::Read : Access::Write));
  TESSERA_ASSIGN(Side lanes,
                 side(m, loads ? "destination" : "source", loads ? to : from, spread, size,
                      f.stride_enable, spreadStrides, loads ? Access::Write : Access::Read));
  uint64_t mask = laneMask(f);
  forPlanes(spread, [&](int64_t n, int64_t c) {
    int64_t first = c * spread.w, count = std::min(spread.w, columns - first);
    uint8_t *far = memory.at(0, 0, n, first), *near = lanes.at(n, c, 0, 0);
    if (!loads)
      std::memcpy(far, near, size_t(count * size));
    else if (mask >> lanes.lane(c) & 1)
      std::memcpy(near, far, size_t(count * size));
  });
  return {};
}

} // namespace tessera::sim::exec
