#pragma once
// What generators of TIU commands share: shapes, start lanes, tables and the long form.
#include "test/soak/generator.h"

#include <array>
#include <cmath>
#include <cstring>

namespace tessera::soak {

struct Shape {
  int64_t n, c, h, w;
};
/// Mostly small, now and then more channels than lanes or planes of several hundred elements.
inline Shape shape(Draw &d) {
  if (d.chance(0.05))
    return {d.between(1, 3), d.between(60, 140), d.between(1, 12), d.between(1, 40)};
  return {d.size(4, 2), d.size(130, 5), d.size(9, 3), d.size(70, 9)};
}

inline int64_t startLane(Draw &d) { return d.chance(0.4) ? 0 : d.between(0, chip::kLanes - 1); }

/// `words` at the start of channel c's unit of `unit` bytes in a table at a local address.
template <class T>
Patch patch(uint64_t address, int64_t c, int64_t unit, const std::vector<T> &words) {
  int64_t at = chip::laneOf(address) + c;
  Patch p{true,
          uint64_t(at % chip::kLanes * chip::kLaneBytes + chip::offsetOf(address) +
                   at / chip::kLanes * unit),
          std::vector<uint8_t>(words.size() * sizeof(T))};
  std::memcpy(p.bytes.data(), words.data(), p.bytes.size());
  return p;
}

/// Integers of `size` bytes as the plane (n, c) of a tensor at a local address.
inline Patch planePatch(uint64_t address, const chip::LocalLayout &l, int64_t size, int64_t n,
                        int64_t c, const std::vector<uint32_t> &values) {
  int64_t at = chip::laneOf(address) + c;
  Patch p{true,
          uint64_t(at % chip::kLanes * chip::kLaneBytes + chip::offsetOf(address) +
                   size * (n * l.n + at / chip::kLanes * l.c)),
          {}};
  for (uint32_t v : values)
    for (int64_t b = 0; b < size; ++b)
      p.bytes.push_back(uint8_t(v >> 8 * b));
  return p;
}

/// The command itself or, now and then, its long form, sometimes with masked lanes.
inline isa::Command either(Draw &d, const isa::Command &c) {
  if (!d.chance(0.15))
    return c;
  isa::Command l = isa::longForm(c);
  if (d.chance(0.3)) {
    auto f = isa::decode<isa::TIU_long>(l);
    f.tsk_lane_num = d.bits() | d.bits();
    l = isa::command(f);
  }
  return l;
}

} // namespace tessera::soak
