// sSG that looks for items: selected by a mask, not zero, counted.
#include "tessera/sim/exec/sg_job.h"

namespace tessera::sim::exec {
namespace {

/// How many items were found, 16 bits a plane, compact.
Result<Local> counts(const SgJob &j) {
  return compactLocal(j.m, "res1", j.f.res1_addr, {j.d.n, j.d.c, 1, 1}, 2);
}

} // namespace

/// The values whose mask is not zero move to the front of the result; the rest of it stays.
Status maskSelect(const SgJob &j) {
  TESSERA_TRY(oneRow("result", uint64_t(j.d.h)));
  TESSERA_TRY(oneRow("opd0", j.f.opd0_h));
  TESSERA_TRY(sameSize("masks and values", j.f.opd1_w, j.f.opd0_w));
  if (!isInteger(Type(j.f.opd1_prec)))
    return unsupported("masks that are no integers");
  TESSERA_TRY(sameSize("values and result columns", j.f.opd0_w, uint64_t(j.d.w)));
  int64_t bytes = chip::bytesOf(Type(j.f.opd1_prec));
  Dims s{j.d.n, j.d.c, 1, int64_t(j.f.opd0_w)};
  TESSERA_ASSIGN(Local res, alignedLocal(j.m, "result", j.f.res0_addr, j.d, j.size));
  TESSERA_ASSIGN(Local src, peSource(j));
  TESSERA_ASSIGN(Local mask, alignedLocal(j.m, "opd1", j.f.opd1_addr, s, bytes));
  TESSERA_ASSIGN(Local count, counts(j));
  detach(j.m, {&res, &count}, {&src, &mask});
  Counts counted(j.d);
  forPlanes(s, [&](int64_t n, int64_t c) {
    const uint8_t *mk = mask.plane(n, c), *from = src.plane(0, c);
    uint8_t *to = res.plane(n, c);
    int64_t found = 0;
    for (int64_t k = 0; k < s.w; ++k)
      if (unsignedAt(mk, k, bytes))
        copyItem(to + j.size * found++, from + j.size * k, j.size);
    counted.at(n, c) = uint16_t(found);
    return true;
  });
  counted.store(count);
  return {};
}

/// The columns whose value is not zero, as 16 or 32-bit integers.
Status nonzero(const SgJob &j) {
  TESSERA_TRY(oneRow("opd0", j.f.opd0_h));
  TESSERA_TRY(oneRow("result", uint64_t(j.d.h)));
  TESSERA_TRY(sameSize("values and result columns", j.f.opd0_w, uint64_t(j.d.w)));
  if (!isInteger(Type(j.f.opd0_prec)))
    return unsupported("values that are no integers");
  if (Type(j.f.res0_prec) != Type::Int16 && Type(j.f.res0_prec) != Type::Int32)
    return unsupported("results other than 16 and 32-bit integers");
  int64_t bytes = chip::bytesOf(Type(j.f.opd0_prec));
  TESSERA_ASSIGN(Local res, alignedLocal(j.m, "result", j.f.res0_addr, j.d, j.size));
  TESSERA_ASSIGN(Local src, alignedLocal(j.m, "opd0", j.f.opd0_addr, j.d, bytes));
  TESSERA_ASSIGN(Local count, counts(j));
  detach(j.m, {&res, &count}, {&src});
  Counts counted(j.d);
  forPlanes(j.d, [&](int64_t n, int64_t c) {
    int64_t found = 0;
    for (int64_t k = 0; k < j.d.w; ++k)
      if (unsignedAt(src.plane(n, c), k, bytes))
        copyItem(res.plane(n, c) + j.size * found++, reinterpret_cast<const uint8_t *>(&k), j.size);
    counted.at(n, c) = uint16_t(found);
    return true;
  });
  counted.store(count);
  return {};
}

/// Counts in place: each all-ones index under the limit flag adds one to the element it names, and
/// no other index has an effect.
Status pingPong(const SgJob &j) {
  TESSERA_TRY(oneRow("opd0", j.f.opd0_h));
  if (Type(j.f.res0_prec) != Type::Int16)
    return unsupported("results other than 16-bit integers");
  if (j.f.opd0_addr != j.f.res0_addr)
    return fail("bad-operand", "opd0", "operand and result lie at different addresses",
                "this operation works in place");
  TESSERA_ASSIGN(int64_t bytes, indexBytes(j.f.opd1_prec));
  Dims s{j.d.n, j.d.c, 1, int64_t(j.f.opd1_w)};
  TESSERA_ASSIGN(Local res, alignedLocal(j.m, "result", j.f.res0_addr, j.d, j.size));
  TESSERA_ASSIGN(Local index, alignedLocal(j.m, "opd1", j.f.opd1_addr, s, bytes));
  detach(j.m, {&res}, {&index});
  if (!j.limited())
    return {};
  int64_t none = noneOf(bytes);
  bool good = forPlanes(s, [&](int64_t n, int64_t c) {
    for (int64_t k = 0; k < s.w; ++k)
      if (unsignedAt(index.plane(n, c), k, bytes) == none) {
        if (none >= j.d.w)
          return false;
        uint8_t *p = res.plane(n, c) + 2 * none;
        storeAs(p, uint16_t(loadAs<uint16_t>(p) + 1));
      }
    return true;
  });
  return good ? Status{} : Status(outside(j.d.w));
}

} // namespace tessera::sim::exec
