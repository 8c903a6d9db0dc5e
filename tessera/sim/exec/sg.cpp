// sSG: gather and scatter inside a lane (bm1684x.md 3.3, "BM1684X measured numerics" section 12).
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/local.h"

#include <atomic>

namespace tessera::sim::exec {
namespace {

enum Op : uint64_t { kPeGather = 5, kPeScatter = 6, kPeGatherHazard = 13, kPeScatterHazard = 14 };

int64_t indexAt(const uint8_t *p, int64_t i, int64_t size) {
  return size == 1   ? p[i]
         : size == 2 ? loadAs<uint16_t>(p + 2 * i)
                     : int64_t(loadAs<uint32_t>(p + 4 * i));
}

void copyElement(uint8_t *to, const uint8_t *from, int64_t size) {
  size == 1 ? void(*to = *from) : void(std::memcpy(to, from, size_t(size)));
}

/// res[k] = table[index[k]] for every lane and k.
Status gather(Machine &m, const isa::sSG &f, Dims d, int64_t size, int64_t indexSize) {
  if (d.h != 1)
    return unsupported("gather with more than one row");
  TESSERA_ASSIGN(Local res, alignedLocal(m, "result", f.res0_addr, d, size));
  Dims table{f.opd0_str == 4 ? 1 : d.n, d.c, int64_t(f.opd0_h), int64_t(f.opd0_w)};
  int64_t lane = chip::laneOf(f.opd0_addr);
  LocalLayout layout = chip::alignedLayout(lane, table.n, table.c, table.h, table.w, size);
  if (f.opd0_str == 4) // one row-aligned table per lane, shared by batches and channels
    layout = {0, 0, chip::alignUp(table.w, chip::euCount(size)), 1};
  TESSERA_ASSIGN(Local src, local(m, "opd0", f.opd0_addr, table, size, layout));
  TESSERA_ASSIGN(Local index, alignedLocal(m, "opd1", f.opd1_addr, d, indexSize));
  std::atomic<int64_t> worst = -1;
  forLanes(d.c, d.count(), [&](int64_t first) {
    for (int64_t n = 0; n < d.n; ++n)
      for (int64_t c = first; c < d.c; c += chip::kLanes)
        for (int64_t k = 0; k < d.w; ++k) {
          int64_t i = indexAt(index.plane(n, c), k, indexSize);
          if (i >= table.h * table.w)
            worst = i;
          else
            copyElement(res.plane(n, c) + size * k, src.plane(n, c) + size * i, size);
        }
  });
  if (worst >= 0)
    return fail("bad-index", "opd1",
                fmt::format("an index is outside the table of {} items", table.h * table.w));
  return {};
}

/// res[index[k]] = opd0[k]; later k win. Other elements of the result stay.
Status scatter(Machine &m, const isa::sSG &f, Dims d, int64_t size, int64_t indexSize) {
  if (d.h != 1 || f.opd0_h != 1 || f.opd0_str != 0)
    return unsupported("scatter with more than one row");
  Dims s{d.n, d.c, 1, int64_t(f.opd1_w)};
  if (f.opd0_w != f.opd1_w)
    return fail("bad-shape", "opd1", fmt::format("{} indices for {} values", f.opd1_w, f.opd0_w));
  TESSERA_ASSIGN(Local res, alignedLocal(m, "result", f.res0_addr, d, size));
  TESSERA_ASSIGN(Local src, alignedLocal(m, "opd0", f.opd0_addr, s, size));
  TESSERA_ASSIGN(Local index, alignedLocal(m, "opd1", f.opd1_addr, s, indexSize));
  bool outside = false;
  for (int64_t n = 0; n < d.n; ++n)
    for (int64_t c = 0; c < d.c; ++c)
      for (int64_t k = 0; k < s.w; ++k) {
        int64_t i = indexAt(index.plane(n, c), k, indexSize);
        if (i >= d.w)
          outside = true;
        else
          copyElement(res.plane(n, c) + size * i, src.plane(n, c) + size * k, size);
      }
  if (outside)
    return fail("bad-index", "opd1",
                fmt::format("an index is outside the row of {} elements", d.w));
  return {};
}

} // namespace

Status sg(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sSG>(command);
  Dims d{int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)};
  int64_t size = chip::bytesOf(Type(f.res0_prec)), indexSize = chip::bytesOf(Type(f.opd1_prec));
  if (size == 0 || indexSize == 0)
    return unsupported("element type of 4 bits");
  if (f.opd0_prec != f.res0_prec)
    return unsupported("gather or scatter between types");
  switch (f.tsk_eu_typ) {
  case kPeGather:
  case kPeGatherHazard:
    return gather(m, f, d, size, indexSize);
  case kPeScatter:
  case kPeScatterHazard:
    return scatter(m, f, d, size, indexSize);
  default:
    return unsupported(fmt::format("gather or scatter operation {}", f.tsk_eu_typ));
  }
}

} // namespace tessera::sim::exec
