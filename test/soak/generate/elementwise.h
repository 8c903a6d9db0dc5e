#pragma once
// What the generators of element-wise classes share: shapes, layouts, places and telling data.
#include "test/soak/generate/tiu.h"

#include <algorithm>

namespace tessera::soak {

using chip::LocalLayout;
using chip::Type;

/// Mostly a few elements; sometimes many channels, sometimes long rows.
inline Shape drawShape(Draw &d) {
  if (d.chance(0.06))
    return {1, d.size(3), d.size(8, 3), d.between(200, 1500)};
  return {d.size(4, 2), d.size(150, 6), d.size(9, 4), d.size(70, 6)};
}

inline bool isInt(Type t) { return !chip::isFloat(t); }

/// The last element's place plus one, in elements of a lane.
inline int64_t extent(const Shape &s, int64_t lane, const LocalLayout &l) {
  return (s.n - 1) * l.n + (chip::slots(lane, s.c) - 1) * l.c + (s.h - 1) * l.h + (s.w - 1) * l.w +
         1;
}

/// Layout codes of AR: 0 aligned, 1 compact, 2 one value per channel, 3 free strides.
struct Place {
  uint64_t code = 0;
  LocalLayout layout;
  int64_t lane = 0, bytes = 0;
  uint64_t address = 0;
};

/// A layout for `s` at `lane`; a result's free strides mostly give every element its own place.
inline Place drawPlace(Draw &d, const Shape &s, int64_t lane, int64_t size, bool isResult) {
  Place p;
  p.lane = lane;
  p.code = d.pick({0, 0, 0, 1, 3, 3, isResult ? 3 : 2});
  if (p.code == 0)
    p.layout = chip::alignedLayout(lane, s.n, s.c, s.h, s.w, size);
  else if (p.code == 1)
    p.layout = chip::compactLayout(lane, s.n, s.c, s.h, s.w);
  else if (p.code == 2)
    p.layout = chip::perChannelLayout();
  else {
    // From the innermost axis outwards; rows and columns may change places, and axes repeat.
    double repeats = isResult ? 0.03 : 0.2;
    int64_t gap = s.n * s.c * s.h * s.w > 4000 ? 0 : 3,
            unit = 1 + d.between(0, d.chance(0.6) ? 0 : gap);
    auto stride = [&](int64_t &to, int64_t count) {
      to = d.chance(repeats) ? 0 : unit;
      unit = std::max<int64_t>(unit, to * count) + (d.chance() ? 0 : d.between(0, gap));
    };
    bool swapped = d.chance(0.2);
    stride(swapped ? p.layout.h : p.layout.w, swapped ? s.h : s.w);
    stride(swapped ? p.layout.w : p.layout.h, swapped ? s.w : s.h);
    stride(p.layout.c, chip::slots(lane, s.c));
    stride(p.layout.n, s.n);
  }
  p.bytes = size * extent(s, lane, p.layout);
  return p;
}

/// The next start lane: one for all operands of most commands.
inline int64_t drawLane(Draw &d, int64_t common) {
  return d.chance(0.85) ? common : d.between(0, 63);
}

/// One element of a type: its limits, small numbers, ties, powers of two, infinities, NaN,
/// denormals, or any bits.
inline uint32_t drawValue(Draw &d, Type type) {
  int bits = int(chip::bitsOf(type));
  uint32_t any = uint32_t(d.bits());
  if (d.chance(0.3))
    return any;
  if (!chip::isFloat(type)) {
    uint32_t top = uint32_t{1} << (bits - 1);
    switch (d.between(0, 4)) {
    case 0:
      return d.pick<uint32_t>({top, top - 1, 0, ~uint32_t{0}, top + 1, top - 2});
    case 1:
      return (uint32_t{1} << d.between(0, bits - 1)) + uint32_t(d.between(-1, 1));
    default:
      return uint32_t(d.between(-20, 20));
    }
  }
  int fraction = type == Type::Fp32 ? 23 : type == Type::Fp16 ? 10 : 7;
  uint32_t sign = d.chance() ? uint32_t{1} << (bits - 1) : 0,
           mantissa = any & ((1u << fraction) - 1);
  if (d.chance(0.4)) // few bits: sums are exact or tie
    mantissa &= 7u << (fraction - 3);
  uint32_t maximum = (1u << (bits - 1 - fraction)) - 1, bias = maximum / 2;
  uint32_t exponent;
  switch (d.between(0, 7)) {
  case 0:
    exponent = d.pick<uint32_t>({0, 1, maximum, maximum - 1});
    break;
  case 2: // their sums, or their products with others, end near the smallest normal number
    exponent = uint32_t(d.between(1, fraction + 2)) % maximum;
    break;
  case 3: // and these ones' products
    exponent = bias / 2 + uint32_t(d.between(-4, 6));
    break;
  case 1:
    exponent = bias + uint32_t(d.between(0, std::min<int64_t>(bias, 34)));
    break;
  default:
    exponent = bias + uint32_t(d.between(-4, 8));
  }
  if (d.chance(0.1))
    mantissa = d.pick<uint32_t>({0, 1, (1u << fraction) - 1, 1u << (fraction - 1)});
  return sign | exponent << fraction | mantissa;
}

/// Telling values over the `bytes` bytes of every lane used that start at `address`.
inline void patchValues(Draw &d, std::vector<Patch> &patches, uint64_t address, int64_t bytes,
                        int64_t channels, Type type) {
  int64_t size = chip::bytesOf(type), lanes = std::min(channels, chip::kLanes);
  if (bytes * lanes > 6000)
    return;
  for (int64_t k = 0; k < lanes; ++k) {
    int64_t lane = (chip::laneOf(address) + k) % chip::kLanes;
    Patch p{true, uint64_t(lane * chip::kLaneBytes + chip::offsetOf(address)), {}};
    for (int64_t i = 0; i + size <= bytes; i += size) {
      uint32_t v = drawValue(d, type);
      for (int64_t b = 0; b < size; ++b)
        p.bytes.push_back(uint8_t(v >> (8 * b)));
    }
    patches.push_back(std::move(p));
  }
}

/// What an element-wise operation may combine: types and signs that the vendor's simulator takes.
struct Mix {
  uint64_t op = 0, operands = 1;
  Type res{}, a{}, b{}, c{};
  bool signA = true, signB = true, signC = true, shifts = false;
  uint64_t code = 0;
};

/// A drawn operation of AR. Never drawn, as the vendor's simulator stops or leaves memory that it
/// never wrote: clamp, division of integers or halves, |a - b| of integers, logic and shifts and
/// saturating operations of floats, results of other sizes where bits move; nor a batch copy,
/// which writes past a buffer of its own.
inline Mix drawMix(Draw &d) {
  Mix m;
  constexpr std::array kInts = {Type::Int8, Type::Int16, Type::Int32};
  constexpr std::array kFloats = {Type::Fp32, Type::Fp16, Type::Bf16};
  constexpr std::array kFloatOps = {0, 2, 3, 4, 5, 10, 11, 12, 13, 14, 18, 19, 26, 27};
  constexpr std::array kIntOps = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 13,
                                  14, 15, 16, 18, 19, 20, 21, 22, 23, 26, 29, 30};
  bool floats = d.chance(0.35);
  m.op = uint64_t(floats ? d.pick(kFloatOps) : d.pick(kIntOps));
  m.a = floats ? d.pick(kFloats) : d.pick(kInts);
  m.res = m.b = m.a;
  m.signA = d.chance(), m.signB = d.chance(), m.signC = d.chance();
  m.code = uint64_t(d.between(0, 7));
  m.c = d.pick(kInts);
  auto is = [&](std::initializer_list<uint64_t> list) {
    return std::find(list.begin(), list.end(), m.op) != list.end();
  };
  m.operands = is({1, 14, 19, 26, 28, 29, 30}) ? 1 : is({10, 11, 13}) ? 3 : 2;
  if (is({14})) { // cast
    m.res = d.chance() ? d.pick(kInts) : d.pick(kFloats);
    if ((m.a == Type::Fp16 && m.res == Type::Bf16) || (m.a == Type::Bf16 && m.res == Type::Fp16))
      m.res = m.a;
    if (floats || chip::isFloat(m.res))
      m.code = uint64_t(d.between(0, chip::isFloat(m.res) ? 6 : 4));
  } else if (is({10, 11, 13})) { // selects: a value no wider than the compared ones
    do
      m.res = d.chance() ? d.pick(kInts) : d.pick(kFloats);
    while (chip::bitsOf(m.res) > chip::bitsOf(m.a));
    m.c = m.res;
  } else if (floats) {
    if (is({12}))
      m.a = m.b = m.res = Type::Fp32;
    if (is({18}))
      m.operands = uint64_t(d.between(2, 3));
  } else if (is({0, 2, 3, 15, 16, 20})) {
    m.b = d.pick(kInts), m.res = d.pick(kInts);
    m.operands = uint64_t(d.between(2, 3));
    m.shifts = m.operands == 3 && d.chance();
  } else if (is({6, 21, 23})) {
    m.b = d.pick(kInts), m.res = d.pick(kInts);
  } else if (is({22})) {
    do
      m.b = d.pick(kInts);
    while (chip::bitsOf(m.b) > chip::bitsOf(m.a));
  } else if (is({18})) {
    m.b = d.pick(kInts);
    m.res = d.pick({Type::Int16, Type::Int32});
    m.operands = uint64_t(d.between(2, 3));
  } else if (is({29, 30})) {
    do
      m.res = d.pick(kInts);
    while (chip::bitsOf(m.res) > chip::bitsOf(m.a));
  } else if (is({4, 5})) {
    m.signB = m.signA;
  }
  return m;
}

/// Result, operands and opd2 of one command, with the data that lies there.
struct Operands {
  Place r, x, y;
  bool xConst = false, yConst = false, zConst = true;
  uint64_t opd2 = 0;
  std::vector<Patch> patches;
};

inline Operands drawOperands(Draw &d, Shape &s, const Mix &m) {
  Operands o;
  int64_t lane = d.between(0, 63),
          sizes[3] = {chip::bytesOf(m.res), chip::bytesOf(m.a), chip::bytesOf(m.b)};
  Place *places[3] = {&o.r, &o.x, &o.y};
  for (;; s.w = (s.w + 1) / 2, s.h = (s.h + 1) / 2) {
    for (int i = 0; i < 3; ++i)
      *places[i] = drawPlace(d, s, i ? drawLane(d, lane) : lane, sizes[i], i == 0);
    if (o.r.bytes + o.x.bytes + o.y.bytes < 100000)
      break;
  }
  LaneRoom room(d);
  for (int i = 0; i < 3; ++i) {
    int64_t align = places[i]->code == 0 && d.chance(0.7) ? 64 : sizes[i];
    places[i]->address = chip::localAddress(places[i]->lane, room.take(places[i]->bytes, align));
  }
  // In place, or overlapping by some elements.
  for (int i : {1, 2})
    if (d.chance(0.1)) {
      Place &p = *places[i];
      if (sizes[i] == sizes[0] && d.chance(0.7))
        p = o.r;
      int64_t offset = chip::offsetOf(o.r.address) + (d.chance() ? 0 : sizes[i] * d.between(-5, 5));
      offset = std::clamp<int64_t>(offset, 0, chip::kLaneBytes - p.bytes) / sizes[i] * sizes[i];
      p.address = chip::localAddress(p.lane, offset);
    }
  if (d.chance(0.7)) {
    if (m.op == 18) // it adds to what is there
      patchValues(d, o.patches, o.r.address, o.r.bytes, s.c, m.res);
    patchValues(d, o.patches, o.x.address, o.x.bytes, s.c, m.a);
    patchValues(d, o.patches, o.y.address, o.y.bytes, s.c, m.b);
  }
  // Immediates carry any bits above their width.
  auto immediate = [&](Type type, bool &isConst, uint64_t &address) {
    if (!d.chance(0.15))
      return;
    isConst = true;
    uint32_t above = chip::bitsOf(type) == 32 ? 0 : uint32_t(d.bits()) << chip::bitsOf(type);
    address = (drawValue(d, type) & ((uint64_t{1} << chip::bitsOf(type)) - 1)) | above;
  };
  immediate(m.a, o.xConst, o.x.address);
  immediate(m.b, o.yConst, o.y.address);
  o.opd2 = d.chance() ? uint32_t(d.bits()) : d.between(0, 0xFFFF);
  if (m.shifts) {
    int64_t shiftLane = drawLane(d, lane), size = chip::bytesOf(m.c),
            bytes = size * chip::slots(shiftLane, s.c);
    o.zConst = false;
    o.opd2 = chip::localAddress(shiftLane, room.take(bytes, size));
    patchValues(d, o.patches, o.opd2, bytes, s.c, m.c);
  } else if (d.chance(0.7)) {
    o.opd2 = uint8_t(d.between(-12, 6)) | uint64_t(d.chance() ? d.between(0, 8) : 0) << 8;
  }
  return o;
}

} // namespace tessera::soak
