// sPorD over regions of interest: one result a box of a table (docs/numerics.md, "Regions").
#include "tessera/sim/exec/pord_job.h"

namespace tessera::sim::exec {

/// Lays the cells of all boxes side by side, as a plane that a window without overlaps walks.
Status pordRegions(Machine &m, PordJob &j) {
  Axis &y = j.window.y, &x = j.window.x;
  int64_t boxes = j.d.w;
  if (y.kernel < 1 || x.kernel < 1 ||
      y.kernel * x.kernel > kMaxElements / std::max(boxes, int64_t(1)))
    return fail("bad-shape", "opd1",
                fmt::format("{} regions of {}x{} cells", boxes, y.kernel, x.kernel));
  TESSERA_ASSIGN(Local table, compactLocal(m, "opd3", j.f.opd3_addr, {1, boxes, 1, 4}, 2));
  j.d.h = y.stride = y.dilation = x.dilation = 1;
  x.stride = x.kernel;
  j.rows.resize(y.kernel);
  j.columns.resize(boxes * x.kernel);
  j.cells.assign(j.rows.size() * j.columns.size(), Axis::kPad);
  for (int64_t i = 0; i < boxes; ++i) {
    const auto *box = table.at<uint16_t>(0, i); // first column and row, last column and row
    for (int64_t ky = 0; ky < y.kernel && box[1] + ky <= box[3]; ++ky)
      for (int64_t kx = 0; kx < x.kernel && box[0] + kx <= box[2]; ++kx) {
        // Past a row's end the next one follows; only the plane's end is one.
        int64_t at = (box[1] + ky) * x.in + box[0] + kx;
        if (at >= y.in * x.in)
          return fail("bad-index", "opd3",
                      fmt::format("region {} ends outside its plane of {}x{}", i, y.in, x.in));
        j.cells[ky * int64_t(j.columns.size()) + i * x.kernel + kx] = int32_t(at);
      }
  }
  return {};
}

} // namespace tessera::sim::exec
