#pragma once
// What the generators of GDMA commands share: shapes, and places for tensors in every memory.
#include "test/soak/generator.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tessera::soak {

struct Shape {
  int64_t n = 1, c = 1, h = 1, w = 1;
  int64_t count() const { return n * c * h * w; }
};

/// Mostly small, sometimes more channels than lanes or a long row, rarely some ten thousand
/// elements.
inline Shape drawShape(Draw &d) {
  if (d.chance(0.01))
    return {d.between(1, 3), d.between(1, 200), d.between(1, 12), d.between(1, 20)};
  return {d.size(4, 2), d.size(130, 6), d.size(9, 4), d.size(100, 7)};
}
/// Another shape with as many elements.
inline Shape reshape(Draw &d, const Shape &s) {
  int64_t left = s.count();
  std::array<int64_t, 4> axes{1, 1, 1, 1};
  for (int64_t factor = 2; left > 1;) {
    if (left % factor) {
      ++factor;
      continue;
    }
    axes[size_t(d.between(0, 3))] *= factor;
    left /= factor;
  }
  return {axes[0], axes[1], axes[2], axes[3]};
}

/// Where a tensor lies: a GDMA address, and its strides in elements if they are free.
struct Spot {
  uint64_t address = 0;
  chip::LocalLayout strides{};
  bool isLocal() const { return chip::spaceOf(address) == chip::Space::Local; }
};

/// What a tensor's place may be.
struct Wanted {
  bool local = true, flat = true, constant = false; ///< constant: static memory too
  bool freeStrides = true;                          ///< else those of stride_enable 0
  bool packedRows = false;                          ///< the w stride is 1
  bool repeats = false;   ///< zero strides and elements that share a place are fine
  bool batchRoom = false; ///< room for all of n times the n stride, as the vendor\'s wants of some
  int64_t lane = -1;      ///< if not negative
};

/// Strides with or without gaps, the axes in any order. `counts` are the axes' sizes, slots instead
/// of channels in local memory.
inline chip::LocalLayout drawStrides(Draw &d, std::array<int64_t, 4> counts, int64_t size,
                                     bool isLocal, const Wanted &wanted) {
  std::array<int64_t, 4> strides{}, order{3, 2, 1, 0};
  int64_t reach = 0;
  if (!wanted.packedRows && d.chance(0.2))
    for (int i = 3; i > 0; --i)
      std::swap(order[i], order[d.between(0, i)]);
  for (int64_t axis : order) {
    int64_t gap = d.chance(0.4) ? d.between(0, 70) : 0;
    strides[axis] = reach + 1 + gap;
    // A column stride of the chip is at most 128 bytes.
    if (axis == 3)
      strides[axis] = wanted.packedRows ? 1 : std::min(strides[axis], 128 / size);
    if (wanted.repeats && d.chance(0.05) && !(axis == 3 && (!isLocal || wanted.packedRows)))
      strides[axis] = d.chance() ? 0 : std::min(d.between(0, 40), 128 / size);
    if (axis == 3 && !isLocal)
      strides[axis] = std::max<int64_t>(strides[axis], 1);
    reach += (counts[axis] - 1) * strides[axis];
  }
  return {strides[0], strides[1], strides[2], strides[3]};
}

/// A place that holds all of `s`. Shapes too large for the memory drawn go to global memory.
inline Spot drawSpot(Draw &d, const Shape &s, int64_t size, const Wanted &wanted) {
  for (int attempt = 0;; ++attempt) {
    TESSERA_CHECK(attempt < 1000, "a tensor larger than every memory that it may lie in");
    bool local = wanted.local && (!wanted.flat || d.chance(0.55));
    int64_t lane = wanted.lane >= 0 ? wanted.lane : d.chance(0.4) ? 0 : d.between(0, 63);
    int64_t slots = local ? chip::slots(lane, s.c) : s.c;
    chip::LocalLayout l;
    Wanted simple = wanted;
    // A shape that does not fit with gaps may without.
    simple.repeats = wanted.repeats && attempt < 4;
    if (wanted.freeStrides && attempt < 4)
      l = drawStrides(d, {s.n, slots, s.h, s.w}, size, local, simple);
    else if (local)
      l = chip::alignedLayout(lane, s.n, s.c, s.h, s.w, size);
    else
      l = {s.c * s.h * s.w, s.h * s.w, s.w, 1};
    int64_t bytes =
        size * ((s.n - 1) * l.n + (slots - 1) * l.c + (s.h - 1) * l.h + (s.w - 1) * l.w + 1);
    uint64_t base = chip::kGlobalBase;
    int64_t room = int64_t(kWindowBytes);
    if (local) {
      base = chip::kLmemBase + uint64_t(lane * chip::kLaneBytes);
      room = chip::kLaneBytes;
    } else if (wanted.constant && d.chance(0.1)) {
      base = chip::kStaticBase;
      room = int64_t(chip::kStaticBytes);
    } else if (d.chance(0.25)) {
      base = chip::kL2Base;
      room = int64_t(chip::kL2Bytes);
    }
    if (wanted.batchRoom)
      bytes = std::max(bytes, size * s.n * l.n);
    if (bytes > room)
      continue;
    // The very end now and then, and mostly within the first pages, so that commands meet.
    int64_t units = (room - bytes) / size;
    int64_t at = d.chance(0.05)
                     ? units
                     : d.between(0, d.chance(0.7) ? std::min<int64_t>(units, 8192 / size) : units);
    if (d.chance(0.5))
      at = at * size / 64 * 64 / size;
    return {base + uint64_t(at * size), l};
  }
}

/// Whether two tensors' ranges of bytes meet; lanes do not count.
inline bool mayOverlap(const Spot &a, const Shape &as, const Spot &b, const Shape &bs,
                       int64_t size) {
  auto range = [&](const Spot &spot, const Shape &s) {
    uint64_t first = spot.address;
    int64_t c = s.c;
    if (spot.isLocal()) {
      c = chip::slots(chip::laneOf(first - chip::kLmemBase), c);
      first = uint64_t(chip::offsetOf(first - chip::kLmemBase));
    }
    const chip::LocalLayout &l = spot.strides;
    int64_t last =
        (s.n - 1) * l.n + (c - 1) * l.c + (s.h - 1) * l.h + (s.w - 1) * std::max<int64_t>(l.w, 1);
    return std::pair(first, first + uint64_t(size * (last + 1)));
  };
  if (a.isLocal() != b.isLocal())
    return false;
  auto [aFirst, aEnd] = range(a, as);
  auto [bFirst, bEnd] = range(b, bs);
  return aFirst < bEnd && bFirst < aEnd;
}

/// Now and then moves `b` to where it may overlap `a`, if both lie in one memory and b's tensor
/// still has room there.
inline void meet(Draw &d, const Spot &a, Spot &b, int64_t size) {
  if (a.isLocal() != b.isLocal() || !d.chance(0.15))
    return;
  uint64_t lane = a.isLocal() ? ~uint64_t(chip::kLaneBytes - 1) : 0;
  uint64_t from = a.isLocal() ? (b.address & lane) | (a.address & ~lane) : a.address;
  from += uint64_t(d.between(0, 40) * size);
  // Places further down have more room than those further up.
  if (from <= b.address && chip::spaceOf(from) == chip::spaceOf(b.address))
    b.address = from;
}

template <class F> void setSource(F &f, const Shape &s) {
  f.src_nsize = uint64_t(s.n), f.src_csize = uint64_t(s.c);
  f.src_hsize = uint64_t(s.h), f.src_wsize = uint64_t(s.w);
}
template <class F> void setDestination(F &f, const Shape &s) {
  f.dst_nsize = uint64_t(s.n), f.dst_csize = uint64_t(s.c);
  f.dst_hsize = uint64_t(s.h), f.dst_wsize = uint64_t(s.w);
}
template <class F> void setSourceStrides(F &f, const chip::LocalLayout &l) {
  f.src_nstride = uint64_t(l.n), f.src_cstride = uint64_t(l.c);
  f.src_hstride = uint64_t(l.h), f.src_wstride = uint64_t(l.w);
}
template <class F> void setDestinationStrides(F &f, const chip::LocalLayout &l) {
  f.dst_nstride = uint64_t(l.n), f.dst_cstride = uint64_t(l.c);
  f.dst_hstride = uint64_t(l.h), f.dst_wstride = uint64_t(l.w);
}
template <class F> void setMask(F &f, uint64_t mask) {
  f.localmem_mask_l32 = mask & 0xFFFFFFFF;
  f.localmem_mask_h32 = mask >> 32;
}
/// Mostly all lanes.
inline uint64_t drawMask(Draw &d) {
  return d.chance(0.8) ? ~uint64_t(0) : d.chance(0.2) ? d.bits() & d.bits() : d.bits() | d.bits();
}
/// A type code and its bytes.
inline chip::Type drawType(Draw &d) { return chip::Type(d.between(0, 5)); }

} // namespace tessera::soak
