#pragma once
// What generators of TIU commands share: shapes, start lanes, tables and the long form.
#include "test/soak/generator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>

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

/// The command or, now and then, one with an operand at another lane or offset, or with the result
/// on an operand or a little beside it: the chip reads everything before it writes. `resultOnly`
/// where operands hold indices, which the vendor's simulator does not check in every place.
inline isa::Command displaced(Draw &d, isa::Command c, bool resultOnly = false) {
  if (!d.chance(0.06))
    return c;
  auto fields = isa::info(c.form).fields;
  auto field = [&](std::string_view name) -> const isa::FieldInfo * {
    auto f = std::find_if(fields.begin(), fields.end(), [&](auto &i) { return i.name == name; });
    return f == fields.end() ? nullptr : &*f;
  };
  auto get = [&](const isa::FieldInfo *f) {
    return f ? int64_t(isa::getBits(c.words, f->lowBit, f->width)) : 0;
  };
  std::vector<const isa::FieldInfo *> operands;
  for (std::string name : {"opd0_", "opd1_", "opd2_", "opd3_", "res1_"}) {
    auto *f = field(name + "addr"), *constant = field(name + "const");
    bool isAddress = constant ? !get(constant) : name < "opd2_" || (resultOnly && name == "res1_");
    if (isAddress && get(f) && get(f) < chip::kLmemBytes)
      operands.push_back(f);
  }
  const isa::FieldInfo *res = field("res0_addr");
  if (operands.empty())
    return c;
  const isa::FieldInfo *moved = d.pick(operands);
  int64_t to = get(moved) + d.pick({0, 0, 0, 0, 64, -64, 128, -128, 1024, -1024, 4, -4, 8, 2, 1});
  int64_t lane = d.chance() ? get(res) >> chip::kLaneShift : d.between(0, 63);
  to = chip::localAddress(lane, to & (chip::kLaneBytes - 1));
  if (resultOnly || d.chance(0.7))
    moved = res;
  isa::setBits(c.words, moved->lowBit, moved->width, uint64_t(to));
  return c;
}

/// The command itself or, now and then, its long form, sometimes with masked lanes.
inline isa::Command either(Draw &d, const isa::Command &drawn, bool resultOnly = false) {
  isa::Command c = displaced(d, drawn, resultOnly);
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
