// sSGL: gather, scatter and select of whole rows (bm1684x.md 3.3; rules: docs/numerics.md, "SG").
#include "tessera/sim/exec/sg.h"

namespace tessera::sim::exec {
namespace {

enum Op : uint64_t { kGatherLine = 17, kScatterLine = 18, kMaskLine = 19 };

struct Job {
  Machine &m;
  isa::sSGL f;
  Dims d; ///< of the result
  int64_t size;
};

/// (1, c, opd0_h, w) in rows of their own 64-byte units, shared by the batches.
Result<Local> source(const Job &j) {
  Dims d{1, j.d.c, int64_t(j.f.opd0_h), j.d.w};
  if (j.f.opd0_str == 4)
    return sharedTable(j.m, j.f.opd0_addr, d, j.size);
  return local(j.m, "opd0", j.f.opd0_addr, d, j.size,
               chip::rowAlignedLayout(chip::laneOf(j.f.opd0_addr), d.n, d.c, d.h, d.w, j.size));
}

Result<Local> result(const Job &j) {
  return local(
      j.m, "result", j.f.res0_addr, j.d, j.size,
      chip::rowAlignedLayout(chip::laneOf(j.f.res0_addr), j.d.n, j.d.c, j.d.h, j.d.w, j.size));
}

/// Gather: row h of the result is row index[h] of the source. Scatter: row h of the source becomes
/// row index[h] of the result. An all-ones index under the limit flag moves nothing, and fills the
/// row it names with the constant where one is given; it has to name a row all the same.
Status lines(const Job &j) {
  bool gathers = j.f.tsk_eu_typ == kGatherLine;
  int64_t count = gathers ? j.d.h : int64_t(j.f.opd0_h);
  int64_t items = gathers ? int64_t(j.f.opd0_h) : j.d.h;
  TESSERA_ASSIGN(int64_t bytes, indexBytes(j.f.opd1_prec));
  TESSERA_ASSIGN(Local res, result(j));
  TESSERA_ASSIGN(Local src, source(j));
  TESSERA_ASSIGN(Local index,
                 alignedLocal(j.m, "opd1", j.f.opd1_addr, {j.d.n, j.d.c, count, 1}, bytes));
  detach(j.m, {&res}, {&src, &index});
  const auto *constant = reinterpret_cast<const uint8_t *>(&j.f.opd2_addr);
  bool good = forPlanes({j.d.n, j.d.c, count, j.d.w}, [&](int64_t n, int64_t c) {
    for (int64_t h = 0; h < count; ++h) {
      int64_t i = unsignedAt(index.plane(n, c), h, bytes);
      if (i >= items)
        return false;
      uint8_t *to = res.plane(n, c) + j.size * (gathers ? h : i) * res.strides.h;
      const uint8_t *from = src.plane(0, c) + j.size * (gathers ? i : h) * src.strides.h;
      if (!j.f.opd3_const || i != noneOf(bytes))
        std::memcpy(to, from, size_t(j.size * j.d.w));
      else if (j.f.opd2_const)
        for (int64_t w = 0; w < j.d.w; ++w)
          copyItem(to + j.size * w, constant, j.size);
    }
    return true;
  });
  return good ? Status{} : Status(outside(items));
}

/// The rows whose mask is not zero move to the front; the rest of the result stays.
Status maskLine(Job j) {
  if (!isInteger(Type(j.f.opd1_prec)))
    return unsupported("masks that are no integers");
  int64_t bytes = chip::bytesOf(Type(j.f.opd1_prec));
  j.d.h = int64_t(j.f.opd0_h); // room for every row, whatever the command says
  TESSERA_ASSIGN(Local res, result(j));
  TESSERA_ASSIGN(Local src, source(j));
  TESSERA_ASSIGN(Local mask,
                 alignedLocal(j.m, "opd1", j.f.opd1_addr, {j.d.n, j.d.c, j.d.h, 1}, bytes));
  TESSERA_ASSIGN(Local counts, compactLocal(j.m, "res1", j.f.res1_addr, {j.d.n, j.d.c, 1, 1}, 2));
  detach(j.m, {&res, &counts}, {&src, &mask});
  Counts counted(j.d);
  forPlanes(j.d, [&](int64_t n, int64_t c) {
    int64_t found = 0;
    for (int64_t h = 0; h < j.d.h; ++h)
      if (unsignedAt(mask.plane(n, c), h, bytes))
        std::memcpy(res.plane(n, c) + j.size * found++ * res.strides.h,
                    src.plane(0, c) + j.size * h * src.strides.h, size_t(j.size * j.d.w));
    counted.at(n, c) = uint16_t(found);
    return true;
  });
  counted.store(counts);
  return {};
}

} // namespace

Status sgl(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sSGL>(command);
  Job j{m,
        f,
        {int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)},
        chip::bytesOf(Type(f.res0_prec))};
  if (j.size == 0)
    return unsupported("element type of 4 bits");
  switch (f.tsk_eu_typ) {
  case kGatherLine:
  case kScatterLine:
    return lines(j);
  case kMaskLine:
    return maskLine(j);
  default:
    return unsupported(fmt::format("gather or scatter operation {}", f.tsk_eu_typ));
  }
}

} // namespace tessera::sim::exec
