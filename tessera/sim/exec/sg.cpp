// sSG: gather, scatter and select in a lane (bm1684x.md 3.3; rules: docs/numerics.md, "SG").
#include "tessera/sim/exec/sg.h"

namespace tessera::sim::exec {
namespace {

// PL: one index per position, the same for all channels. PE: every channel has its own. The
// "hazard" variants differ in the banks they may use only.
enum Op : uint64_t {
  kPlGather1 = 0,
  kPlGather2 = 1,
  kPlGatherRectangle = 2,
  kPlScatter1 = 3,
  kPlScatter2 = 4,
  kPeGather = 5,
  kPeScatter = 6,
  kPeMultiGather = 7,
  kMaskSelect = 8,
  kNonzero = 9,
  kPingPong = 10,
  kPeGatherHazard = 13,
  kPeScatterHazard = 14,
  kMaskSelectHazard = 15,
  kNonzeroHazard = 16,
};

struct Job {
  Machine &m;
  isa::sSG f;
  Dims d; ///< of the result
  int64_t size;
  bool limited() const { return f.opd3_const; } ///< an all-ones index names no item
  bool fills() const { return f.opd2_const; }   ///< what names no item becomes the constant
  const uint8_t *constant() const { return reinterpret_cast<const uint8_t *>(&f.opd2_addr); }
};

Status sameSize(const char *what, uint64_t a, uint64_t b) {
  if (a != b)
    return fail("bad-shape", "", fmt::format("{}: {} and {}", what, a, b));
  return {};
}
Status oneRow(const char *what, uint64_t rows) {
  if (rows != 1)
    return fail("bad-shape", what, fmt::format("{} rows where one is meant", rows));
  return {};
}

/// A PL index: element of the h x w plane it names, or -1 for none.
using Offsets = std::vector<int64_t>;

Result<Offsets> offsets1(const Job &j, int64_t items) {
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
Result<Offsets> offsets2(const Job &j, int64_t h, int64_t w) {
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
Result<Offsets> offsetsRectangle(const Job &j, int64_t kh, int64_t kw, int64_t h, int64_t w) {
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
Status gatherAt(const Job &j, const Local &res, const Local &src, const Offsets &offsets) {
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

Status plGather(Job j) {
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

Status plGatherRectangle(Job j) {
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
Status plScatter(Job j) {
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

/// The table or values (1, c, 1, opd0_w) of the PE variants; batches share them.
Result<Local> peSource(const Job &j) {
  Dims d{1, j.d.c, 1, int64_t(j.f.opd0_w)};
  if (j.f.opd0_str == 4)
    return sharedTable(j.m, j.f.opd0_addr, d, j.size);
  TESSERA_ASSIGN(Local t, alignedLocal(j.m, "opd0", j.f.opd0_addr, d, j.size));
  t.strides.n = 0;
  return t;
}

Status peGather(const Job &j) {
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
Status peMultiGather(Job j) {
  constexpr int64_t kCopies = 4, kPitch = chip::kLaneBytes / 8;
  j.d.n = 1;
  for (int64_t copy = 1; copy < kCopies; ++copy) {
    Job other = j;
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

Status peScatter(const Job &j) {
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

/// How many items were found, 16 bits a plane, compact.
Result<Local> counts(const Job &j) {
  return compactLocal(j.m, "res1", j.f.res1_addr, {j.d.n, j.d.c, 1, 1}, 2);
}

/// The values whose mask is not zero move to the front of the result; the rest of it stays.
Status maskSelect(const Job &j) {
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
Status nonzero(const Job &j) {
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
Status pingPong(const Job &j) {
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

} // namespace

Status sg(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sSG>(command);
  Job j{m,
        f,
        {int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)},
        chip::bytesOf(Type(f.res0_prec))};
  uint64_t op = f.tsk_eu_typ;
  bool isList = op == kNonzero || op == kNonzeroHazard || op == kPingPong;
  if (j.size == 0 || chip::bytesOf(Type(f.opd0_prec)) == 0)
    return unsupported("element type of 4 bits");
  if (f.opd0_prec != f.res0_prec && !isList)
    return unsupported("gather or scatter between types");
  // The channels of indices that every channel has of its own.
  if (op == kPeGather || op == kPeScatter || op == kPeGatherHazard || op == kPeScatterHazard)
    TESSERA_TRY(sameSize("channels of indices and result", f.opd1_c, f.res0_c));
  switch (op) {
  case kPlGather1:
  case kPlGather2:
    return plGather(j);
  case kPlGatherRectangle:
    return plGatherRectangle(j);
  case kPlScatter1:
  case kPlScatter2:
    return plScatter(j);
  case kPeGather:
  case kPeGatherHazard:
    return peGather(j);
  case kPeScatter:
  case kPeScatterHazard:
    return peScatter(j);
  case kPeMultiGather:
    return peMultiGather(j);
  case kMaskSelect:
  case kMaskSelectHazard:
    return maskSelect(j);
  case kNonzero:
  case kNonzeroHazard:
    return nonzero(j);
  case kPingPong:
    return pingPong(j);
  default:
    return unsupported(fmt::format("gather or scatter operation {}", op));
  }
}

} // namespace tessera::sim::exec
