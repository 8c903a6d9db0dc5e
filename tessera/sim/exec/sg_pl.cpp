// sSG by positions: one index per position, the same for all channels.
#include "tessera/sim/exec/sg_job.h"

namespace tessera::sim::exec {
namespace {

/// A PL index: element of the h x w plane it names, or -1 for none.
using Offsets = std::vector<int64_t>;

Result<Offsets> offsets1(const SgJob &j, int64_t items) {
  TESSERA_ASSIGN(int64_t bytes, indexBytes(j.f.opd1_prec));
  int64_t count = int64_t(j.f.opd1_c);
  TESSERA_ASSIGN(Local index, compactLocal(j.m, "opd1", j.f.opd1_addr, {1, count, 1, 1}, bytes));
  Offsets out(static_cast<size_t>(count));
  for (int64_t k = 0; k < count; ++k) {
    int64_t i = unsignedAt(index.plane(0, k), 0, bytes);
    if (j.limited() && i == noneOf(bytes))
      i = -1;
    else if (i >= items)
      return outside(items);
    out[size_t(k)] = i;
  }
  return out;
}

/// Pairs of 16 bits, the column in the lower half.
Result<Offsets> offsets2(const SgJob &j, int64_t h, int64_t w) {
  if (Type(j.f.opd1_prec) != Type::Int16)
    return fail("bad-command", "opd1_prec", fmt::format("pairs of type {}", j.f.opd1_prec),
                "a position is a pair of 16-bit integers");
  int64_t count = int64_t(j.f.opd1_c);
  TESSERA_ASSIGN(Local index, compactLocal(j.m, "opd1", j.f.opd1_addr, {1, count, 1, 1}, 4));
  Offsets out(static_cast<size_t>(count));
  for (int64_t k = 0; k < count; ++k) {
    uint32_t pair = loadAs<uint32_t>(index.plane(0, k));
    int64_t x = pair & 0xFFFF, y = pair >> 16;
    if (j.limited() && (x == 0xFFFF || y == 0xFFFF))
      out[size_t(k)] = -1;
    else if (x >= w || y >= h)
      return outside(h * w);
    else
      out[size_t(k)] = y * w + x;
  }
  return out;
}

/// Rectangles (first column, first row, last column, last row) of which a window of kh x kw cells
/// is read from the first corner; cells past the last corner name nothing.
Result<Offsets> offsetsRectangle(const SgJob &j, int64_t kh, int64_t kw, int64_t h, int64_t w) {
  int64_t count = int64_t(j.f.opd1_c);
  TESSERA_ASSIGN(Local index, compactLocal(j.m, "opd1", j.f.opd1_addr, {1, count, 1, 4}, 2));
  Offsets out(static_cast<size_t>(kh * kw * count));
  for (int64_t k = 0; k < count; ++k) {
    const uint8_t *p = index.plane(0, k);
    int64_t x0 = unsignedAt(p, 0, 2), y0 = unsignedAt(p, 1, 2), x1 = unsignedAt(p, 2, 2),
            y1 = unsignedAt(p, 3, 2);
    bool none = j.limited() && (x0 == 0xFFFF || y0 == 0xFFFF);
    for (int64_t cell = 0; cell < kh * kw; ++cell) {
      int64_t y = y0 + cell / kw, x = x0 + cell % kw;
      int64_t &o = out[size_t(cell * count + k)];
      if (none || x > x1 || y > y1)
        o = -1;
      else if (x >= w || y >= h)
        return outside(h * w);
      else
        o = y * w + x;
    }
  }
  return out;
}

/// res(n, c, r, k) = opd0(n, c)[offsets[r * W + k]].
Status gatherAt(const SgJob &j, const Local &res, const Local &src, const Offsets &offsets) {
  TESSERA_TRY(sameSize("positions and result columns", j.f.opd1_c, uint64_t(j.d.w)));
  forPlanes(j.d, [&](int64_t n, int64_t c) {
    const uint8_t *from = src.plane(n, c);
    for (int64_t r = 0; r < j.d.h; ++r) {
      uint8_t *to = res.plane(n, c) + j.size * r * res.strides.h;
      const int64_t *o = &offsets[size_t(r * j.d.w)];
      for (int64_t k = 0; k < j.d.w; ++k, to += j.size)
        if (o[k] >= 0)
          copyItem(to, from + j.size * o[k], j.size);
        else if (j.fills())
          copyItem(to, j.constant(), j.size);
    }
    return true;
  });
  return {};
}

} // namespace

Status plGather(SgJob j) {
  bool flat = j.f.tsk_eu_typ == kPlGather1;
  if (flat)
    j.d.h = 1;
  else
    TESSERA_TRY(oneRow("result", uint64_t(j.d.h)));
  int64_t h = flat ? 1 : int64_t(j.f.opd0_h), w = int64_t(j.f.opd0_w);
  if (j.f.opd0_str)
    return unsupported("a table layout other than aligned");
  TESSERA_ASSIGN(Local res, alignedLocal(j.m, "result", j.f.res0_addr, j.d, j.size));
  TESSERA_ASSIGN(Local src, alignedLocal(j.m, "opd0", j.f.opd0_addr, {j.d.n, j.d.c, h, w}, j.size));
  TESSERA_ASSIGN(Offsets offsets, flat ? offsets1(j, w) : offsets2(j, h, w));
  detach(j.m, {&res}, {&src});
  return gatherAt(j, res, src, offsets);
}

Status plGatherRectangle(SgJob j) {
  int64_t kh = int64_t(j.f.opd3_addr >> 16), kw = int64_t(j.f.opd3_addr & 0xFFFF);
  if (kh == 0 || kw == 0) // nothing is read or written
    return {};
  int64_t h = int64_t(j.f.opd0_h), w = int64_t(j.f.opd0_w);
  j.d.h = kh * kw;
  TESSERA_ASSIGN(Local res, local(j.m, "result", j.f.res0_addr, j.d, j.size,
                                  chip::rowAlignedLayout(chip::laneOf(j.f.res0_addr), j.d.n, j.d.c,
                                                         j.d.h, j.d.w, j.size)));
  TESSERA_ASSIGN(Local src, alignedLocal(j.m, "opd0", j.f.opd0_addr, {j.d.n, j.d.c, h, w}, j.size));
  TESSERA_TRY(sameSize("rectangles and result columns", j.f.opd1_c, uint64_t(j.d.w)));
  TESSERA_ASSIGN(Offsets offsets, offsetsRectangle(j, kh, kw, h, w));
  detach(j.m, {&res}, {&src});
  return gatherAt(j, res, src, offsets);
}

/// res(n, c)[position k] = opd0(n, c, 0, k); later k win, other elements of the result stay. An
/// all-ones position moves nothing; with a constant, that fills the element it names.
Status plScatter(SgJob j) {
  bool flat = j.f.tsk_eu_typ == kPlScatter1;
  if (flat)
    j.d.h = 1;
  else
    TESSERA_TRY(oneRow("opd0", j.f.opd0_h));
  int64_t count = int64_t(j.f.opd0_w);
  if (j.f.opd0_str)
    return unsupported("a layout of the values other than aligned");
  TESSERA_ASSIGN(Local res, alignedLocal(j.m, "result", j.f.res0_addr, j.d, j.size));
  TESSERA_ASSIGN(Local src,
                 alignedLocal(j.m, "opd0", j.f.opd0_addr, {j.d.n, j.d.c, 1, count}, j.size));
  TESSERA_TRY(sameSize("positions and values", j.f.opd1_c, j.f.opd0_w));
  TESSERA_ASSIGN(Offsets offsets, flat ? offsets1(j, j.d.w) : offsets2(j, j.d.h, j.d.w));
  detach(j.m, {&res}, {&src});
  int64_t none = flat ? noneOf(chip::bytesOf(Type(j.f.opd1_prec))) : j.d.h * j.d.w;
  if (j.fills() && none >= j.d.w * j.d.h &&
      std::find(offsets.begin(), offsets.end(), -1) != offsets.end())
    return outside(j.d.w * j.d.h);
  forPlanes({j.d.n, j.d.c, 1, count}, [&](int64_t n, int64_t c) {
    for (int64_t k = 0; k < count; ++k)
      if (int64_t o = offsets[size_t(k)]; o >= 0)
        copyItem(res.plane(n, c) + j.size * o, src.plane(n, c) + j.size * k, j.size);
      else if (j.fills())
        copyItem(res.plane(n, c) + j.size * none, j.constant(), j.size);
    return true;
  });
  return {};
}

} // namespace tessera::sim::exec
