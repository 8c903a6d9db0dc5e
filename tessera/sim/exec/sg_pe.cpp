// sSG by tables: every channel has indices of its own.
#include "tessera/sim/exec/sg_job.h"

namespace tessera::sim::exec {

Result<Local> peSource(const SgJob &j) {
  Dims d{1, j.d.c, 1, int64_t(j.f.opd0_w)};
  if (j.f.opd0_str == 4)
    return sharedTable(j.m, j.f.opd0_addr, d, j.size);
  TESSERA_ASSIGN(Local t, alignedLocal(j.m, "opd0", j.f.opd0_addr, d, j.size));
  t.strides.n = 0;
  return t;
}

Status peGather(const SgJob &j) {
  TESSERA_TRY(oneRow("result", uint64_t(j.d.h)));
  TESSERA_TRY(oneRow("opd0", j.f.opd0_h));
  TESSERA_TRY(sameSize("indices and result columns", j.f.opd1_w, uint64_t(j.d.w)));
  TESSERA_ASSIGN(int64_t bytes, indexBytes(j.f.opd1_prec));
  TESSERA_ASSIGN(Local res, alignedLocal(j.m, "result", j.f.res0_addr, j.d, j.size));
  TESSERA_ASSIGN(Local src, peSource(j));
  TESSERA_ASSIGN(Local index, alignedLocal(j.m, "opd1", j.f.opd1_addr, j.d, bytes));
  detach(j.m, {&res}, {&src, &index});
  int64_t items = int64_t(j.f.opd0_w);
  bool good = forPlanes(j.d, [&](int64_t n, int64_t c) {
    const uint8_t *ix = index.plane(n, c), *from = src.plane(0, c);
    uint8_t *to = res.plane(n, c);
    for (int64_t k = 0; k < j.d.w; ++k, to += j.size) {
      int64_t i = unsignedAt(ix, k, bytes);
      if (j.limited() && i == noneOf(bytes)) {
        if (j.fills())
          copyItem(to, j.constant(), j.size);
      } else if (i >= items) {
        return false;
      } else {
        copyItem(to, from + j.size * i, j.size);
      }
    }
    return true;
  });
  return good ? Status{} : Status(outside(items));
}

/// The table lies four times in the lane, so that four indices are served at once; only batch 0.
Status peMultiGather(SgJob j) {
  constexpr int64_t kCopies = 4, kPitch = chip::kLaneBytes / 8;
  j.d.n = 1;
  for (int64_t copy = 1; copy < kCopies; ++copy) {
    SgJob other = j;
    other.f.opd0_addr += uint64_t(copy * kPitch);
    TESSERA_ASSIGN(Local a, peSource(j));
    TESSERA_ASSIGN(Local b, peSource(other));
    for (int64_t c = 0; c < j.d.c; ++c)
      if (std::memcmp(a.plane(0, c), b.plane(0, c), size_t(j.size) * j.f.opd0_w))
        return fail(
            "bad-operand", "opd0",
            fmt::format("copy {} of the table differs from the first in channel {}", copy, c),
            "this gather reads four equal tables, 32 KiB apart");
  }
  return peGather(j);
}

Status peScatter(const SgJob &j) {
  TESSERA_TRY(oneRow("result", uint64_t(j.d.h)));
  TESSERA_TRY(oneRow("opd0", j.f.opd0_h));
  TESSERA_TRY(sameSize("indices and values", j.f.opd1_w, j.f.opd0_w));
  TESSERA_ASSIGN(int64_t bytes, indexBytes(j.f.opd1_prec));
  Dims s{j.d.n, j.d.c, 1, int64_t(j.f.opd1_w)};
  TESSERA_ASSIGN(Local res, alignedLocal(j.m, "result", j.f.res0_addr, j.d, j.size));
  TESSERA_ASSIGN(Local src, peSource(j));
  TESSERA_ASSIGN(Local index, alignedLocal(j.m, "opd1", j.f.opd1_addr, s, bytes));
  detach(j.m, {&res}, {&src, &index});
  bool good = forPlanes(s, [&](int64_t n, int64_t c) {
    const uint8_t *ix = index.plane(n, c), *from = src.plane(0, c);
    for (int64_t k = 0; k < s.w; ++k) {
      int64_t i = unsignedAt(ix, k, bytes);
      bool none = j.limited() && i == noneOf(bytes);
      if (none && !j.fills())
        continue;
      if (i >= j.d.w)
        return false;
      copyItem(res.plane(n, c) + j.size * i, none ? j.constant() : from + j.size * k, j.size);
    }
    return true;
  });
  return good ? Status{} : Status(outside(j.d.w));
}

} // namespace tessera::sim::exec
