#pragma once
// One side of a GDMA command: a tensor in local memory or in flat memory (static, L2, global).
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/local.h"

#include <utility>

namespace tessera::sim {

struct Side {
  bool isLocal = false;
  uint8_t *base = nullptr; ///< flat: element 0; local: first byte of lane 0
  Local tensor;            ///< local side only
  LocalLayout strides;     ///< elements
  int64_t size = 1;

  int64_t lane(int64_t c) const { return (tensor.startLane + c) % chip::kLanes; }
  uint8_t *at(int64_t n, int64_t c, int64_t h, int64_t w) const {
    if (isLocal)
      return tensor.plane(n, c) + size * (h * strides.h + w * strides.w);
    return base + size * (n * strides.n + c * strides.c + h * strides.h + w * strides.w);
  }
};

/// Elements between the first and the last of an axis; beyond any memory where it would not fit 64
/// bits (rows of a gather are 32 bits as strides are).
constexpr uint64_t reach(int64_t count, int64_t stride) {
  constexpr uint64_t kBeyond = uint64_t(1) << 48;
  uint64_t steps = uint64_t(count - 1), step = uint64_t(stride);
  return step && steps > kBeyond / step ? kBeyond : steps * step;
}

/// Packed strides of flat memory, n outermost.
constexpr LocalLayout packedLayout(Dims d) { return {d.c * d.h * d.w, d.h * d.w, d.w, 1}; }

/// A checked side at a GDMA address. `strided` false: packed in flat memory, aligned in local
/// memory.
inline Result<Side> side(Machine &m, const char *what, uint64_t address, Dims d, int64_t size,
                         bool strided, LocalLayout strides, Access access) {
  Side s;
  s.isLocal = chip::spaceOf(address) == chip::Space::Local;
  s.strides = strides;
  s.size = size;
  if (d.n < 1 || d.c < 1 || d.h < 1 || d.w < 1)
    return fail("bad-shape", what, fmt::format("{}x{}x{}x{} has no elements", d.n, d.c, d.h, d.w));
  if (d.count() > int64_t(1) << 33)
    return fail("bad-shape", what,
                fmt::format("{}x{}x{}x{} is more than all memory", d.n, d.c, d.h, d.w));
  if (s.isLocal) {
    uint64_t at = address - chip::kLmemBase;
    if (!strided)
      s.strides = chip::alignedLayout(chip::laneOf(at), d.n, d.c, d.h, d.w, size);
    TESSERA_ASSIGN(s.tensor, local(m, what, at, d, size, s.strides));
    return s;
  }
  if (!strided)
    s.strides = packedLayout(d);
  if (address % uint64_t(size))
    return fail(
        "bad-address", what,
        fmt::format("address 0x{:x} is no multiple of the element's {} bytes", address, size));
  uint64_t last = reach(d.n, s.strides.n) + reach(d.c, s.strides.c) + reach(d.h, s.strides.h) +
                  reach(d.w, s.strides.w);
  auto p = m.bytes(address, uint64_t(size) * (last + 1), access);
  if (!p) {
    Error located;
    for (Diagnostic diagnostic : p.error().diagnostics()) {
      diagnostic.where = std::string(what) + " at " + diagnostic.where;
      located.add(diagnostic);
    }
    return fail(located);
  }
  s.base = *p;
  m.note({what, false, address, d.n, d.c, d.h, d.w, s.strides, size});
  return s;
}

template <class F> Dims sourceDims(const F &f) {
  return {int64_t(f.src_nsize), int64_t(f.src_csize), int64_t(f.src_hsize), int64_t(f.src_wsize)};
}
template <class F> Dims destinationDims(const F &f) {
  return {int64_t(f.dst_nsize), int64_t(f.dst_csize), int64_t(f.dst_hsize), int64_t(f.dst_wsize)};
}
template <class F> LocalLayout sourceStrides(const F &f) {
  return {int64_t(f.src_nstride), int64_t(f.src_cstride), int64_t(f.src_hstride),
          int64_t(f.src_wstride)};
}
template <class F> LocalLayout destinationStrides(const F &f) {
  return {int64_t(f.dst_nstride), int64_t(f.dst_cstride), int64_t(f.dst_hstride),
          int64_t(f.dst_wstride)};
}
template <class F> uint64_t laneMask(const F &f) {
  return uint64_t(f.localmem_mask_h32) << 32 | f.localmem_mask_l32;
}

/// Whether the mask lets the command write this channel's lane.
inline bool writable(const Side &dst, int64_t c, uint64_t mask) {
  return !dst.isLocal || (mask >> dst.lane(c) & 1);
}

/// The size of one element in bytes. Errors "unsupported-instruction": 4 bits, no type at all, or
/// decompression on the way.
template <class F> Result<int64_t> elementBytes(const F &f) {
  if (f.decompress_enable)
    return unsupported("decompression while moving");
  if (int64_t size = chip::bytesOf(Type(f.src_data_format)))
    return size;
  return unsupported(f.src_data_format == uint64_t(Type::Int4)
                         ? "elements of 4 bits"
                         : fmt::format("element type code {}", f.src_data_format));
}

/// A side of small words (indices, masks) that may start at any byte and whose w axis is packed:
/// at(n, c, h, w * bytes) is its word (n, c, h, w).
inline Result<Side> wordSide(Machine &m, const char *what, uint64_t address, Dims d, int64_t bytes,
                             bool strided, LocalLayout strides) {
  if (!strided)
    strides = chip::spaceOf(address) == chip::Space::Local
                  ? chip::alignedLayout(chip::laneOf(address - chip::kLmemBase), d.n, d.c, d.h, d.w,
                                        bytes)
                  : packedLayout(d);
  for (int64_t *stride : {&strides.n, &strides.c, &strides.h})
    *stride *= bytes;
  strides.w = 1;
  d.w *= bytes;
  return side(m, what, address, d, 1, true, strides, Access::Read);
}

/// The bytes that a side covers: host addresses of flat memory, offsets in every lane of local
/// memory.
inline std::pair<uintptr_t, uintptr_t> covered(const Side &s, Dims d) {
  int64_t c = s.isLocal ? chip::slots(s.tensor.startLane, d.c) : d.c;
  uint64_t last = reach(d.n, s.strides.n) + reach(c, s.strides.c) + reach(d.h, s.strides.h) +
                  reach(d.w, s.strides.w);
  uintptr_t first = s.isLocal ? uintptr_t(s.tensor.offset) : reinterpret_cast<uintptr_t>(s.base);
  return {first, first + uintptr_t(s.size) * (last + 1)};
}
inline bool overlap(const Side &a, Dims ad, const Side &b, Dims bd) {
  if (a.isLocal != b.isLocal)
    return false;
  auto [aFirst, aEnd] = covered(a, ad);
  auto [bFirst, bEnd] = covered(b, bd);
  return aFirst < bEnd && bFirst < aEnd;
}

/// Whether two elements of the side may lie at one place.
inline bool repeats(const Side &s, Dims d) {
  std::array<std::pair<int64_t, int64_t>, 4> axes{
      {{s.strides.n, d.n},
       {s.strides.c, s.isLocal ? chip::slots(s.tensor.startLane, d.c) : d.c},
       {s.strides.h, d.h},
       {s.strides.w, d.w}}};
  std::sort(axes.begin(), axes.end());
  uint64_t inner = 0;
  for (auto [stride, count] : axes) {
    if (count == 1)
      continue;
    if (uint64_t(stride) <= inner)
      return true;
    inner += reach(count, stride);
  }
  return false;
}

/// The chip moves element after element: where a later one may see or replace what an earlier one
/// wrote, the order is part of the result and nothing may run side by side.
inline bool orderMatters(const Side &src, Dims s, const Side &dst, Dims d) {
  return overlap(src, s, dst, d) || repeats(dst, d);
}

/// move(n, c, h, w) for all elements, one after the other.
template <class Move> void inOrder(Dims d, Move move) {
  for (int64_t n = 0; n < d.n; ++n)
    for (int64_t c = 0; c < d.c; ++c)
      for (int64_t h = 0; h < d.h; ++h)
        for (int64_t w = 0; w < d.w; ++w)
          move(n, c, h, w);
}

/// Copies `count` elements of `size` bytes between strided rows (steps in bytes).
inline void copyRow(uint8_t *to, int64_t toStep, const uint8_t *from, int64_t fromStep,
                    int64_t count, int64_t size) {
  if (toStep == size && fromStep == size) {
    std::memmove(to, from, size_t(count * size));
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(to + i * toStep, from + i * fromStep, size_t(size));
}

/// Calls plane(n, c) for all, side by side where there is enough to do.
template <class Plane> void forPlanes(Dims d, Plane plane) {
  auto run = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      plane(i / d.c, i % d.c);
  };
  if (d.count() <= 4 * kSerialElements)
    run(0, d.n * d.c);
  else
    parallelFor(d.n * d.c, 1, run);
}

namespace exec {
/// Source (n, c, h, w) to destination (n, w, h, c); gdma_cw_transpose.cpp.
template <class F> Status cwTranspose(Machine &, const F &, int64_t size);
/// Channel broadcast, or a copy to four pieces of the lanes, or both; gdma_spread.cpp.
Status spread(Machine &, const isa::DMA_tensor &, int64_t size, bool broadcast, int pieces);
} // namespace exec

} // namespace tessera::sim
