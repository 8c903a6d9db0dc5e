#pragma once
// One side of a GDMA command: a tensor in local memory or in flat memory (static, L2, global).
#include "tessera/sim/local.h"

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
  // Sizes are 16 bits and strides 32, so the sum fits 64.
  uint64_t last = uint64_t((d.n - 1) * s.strides.n) + uint64_t((d.c - 1) * s.strides.c) +
                  uint64_t((d.h - 1) * s.strides.h) + uint64_t((d.w - 1) * s.strides.w);
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

} // namespace tessera::sim
