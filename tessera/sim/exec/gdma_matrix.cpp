// DMA_matrix: rows of a matrix in flat memory, their columns spread over channels in local memory
// (bm1684x.md 2.8 and 3.13, docs/numerics.md "GDMA"). Column x of row r is element
// (r, x / w, 0, x mod w); transposed, of column r of row x.
#include "tessera/sim/element.h"
#include "tessera/sim/exec/gdma.h"

namespace tessera::sim::exec {
namespace {

/// What both forms say of the two sides.
struct Sides {
  int64_t rows, columns, rowStride; ///< flat side
  Dims spread;                      ///< local side; h is 1
  LocalLayout strides;
};
Sides sidesOf(const isa::DMA_matrix &f, bool loads) {
  Dims flat = loads ? sourceDims(f) : destinationDims(f);
  Dims spread = loads ? destinationDims(f) : sourceDims(f);
  LocalLayout strides = loads ? destinationStrides(f) : sourceStrides(f);
  return {flat.h,
          flat.w,
          loads ? int64_t(f.src_hstride) : int64_t(f.dst_hstride),
          {spread.n, spread.c, 1, spread.w},
          {strides.n, strides.c, 0, 1}};
}
Sides sidesOf(const isa::sDMA_matrix &f, bool) {
  return {int64_t(f.src_hsize_dst_hsize),
          int64_t(f.src_wsize_dst_wsize),
          int64_t(f.src_hstride_dst_hstride),
          {int64_t(f.dst_nsize_src_nsize), int64_t(f.dst_csize_src_csize), 1,
           int64_t(f.dst_wsize_src_wsize)},
          {int64_t(f.dst_nstride_src_nstride), int64_t(f.dst_cstride_src_cstride), 0, 1}};
}

template <class F> Status matrixMove(Machine &m, const F &f) {
  TESSERA_ASSIGN(int64_t size, elementBytes(f));
  if (f.cmd_special_function > 1 || f.fill_constant_en)
    return unsupported(f.fill_constant_en ? std::string("a matrix fill")
                                          : fmt::format("GDMA matrix special function {}",
                                                        f.cmd_special_function));
  uint64_t from = isa::sourceAddress(f), to = isa::destinationAddress(f);
  bool loads = chip::spaceOf(to) == chip::Space::Local;
  if (loads == (chip::spaceOf(from) == chip::Space::Local))
    return fail("bad-address", "",
                fmt::format("a matrix moves between local and other memory, not "
                            "from 0x{:x} to 0x{:x}",
                            from, to));
  if (f.nchw_copy)
    return fail("bad-shape", "", "nchw_copy is set, but the sides of a matrix have their own sizes",
                "write both sides' sizes and nchw_copy 0");
  auto [rows, columns, rowStride, spread, strides] = sidesOf(f, loads);
  bool transposed = f.cmd_special_function == 1;
  int64_t spreadAxis = transposed ? rows : columns; // the axis that is spread over channels
  if (spread.n != (transposed ? columns : rows) || spread.w < 1 ||
      spread.c != chip::ceilDiv(spreadAxis, spread.w))
    return fail("bad-shape", "",
                fmt::format("{} rows of {} columns{} in {} rows of {} channels by {}", rows,
                            columns, transposed ? ", transposed," : "", spread.n, spread.c,
                            spread.w));
  if (!f.stride_enable)
    rowStride = columns;
  if (!loads && rows > 1 && rowStride < columns)
    return fail("bad-shape", "destination",
                fmt::format("rows of {} elements every {}: they overlap", columns, rowStride));
  Dims flat{1, 1, rows, columns};
  TESSERA_ASSIGN(Side memory,
                 side(m, loads ? "source" : "destination", loads ? from : to, flat, size, true,
                      {0, 0, rowStride, 1}, loads ? Access::Read : Access::Write));
  TESSERA_ASSIGN(Side lanes,
                 side(m, loads ? "destination" : "source", loads ? to : from, spread, size,
                      f.stride_enable, strides, loads ? Access::Write : Access::Read));
  uint64_t mask = laneMask(f);
  auto plane = [&](int64_t n, int64_t c) {
    if (loads && !writable(lanes, c, mask))
      return;
    int64_t first = c * spread.w, count = std::min(spread.w, spreadAxis - first);
    uint8_t *far = transposed ? memory.at(0, 0, first, n) : memory.at(0, 0, n, first);
    uint8_t *near = lanes.at(n, c, 0, 0);
    int64_t farStep = transposed ? rowStride * size : size;
    if (loads)
      copyRow(near, size, far, farStep, count, size);
    else
      copyRow(far, farStep, near, size, count, size);
  };
  if (!loads || !repeats(lanes, spread))
    forPlanes(spread, plane);
  else
    for (int64_t i = 0; i < spread.n * spread.c; ++i)
      plane(i / spread.c, i % spread.c);
  return {};
}

} // namespace

Status gdmaMatrix(Machine &m, const isa::Command &command) {
  return command.form == isa::Form::DMA_matrix
             ? matrixMove(m, isa::decode<isa::DMA_matrix>(command))
             : matrixMove(m, isa::decode<isa::sDMA_matrix>(command));
}

} // namespace tessera::sim::exec
