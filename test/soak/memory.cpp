#include "test/soak/memory.h"

#include "tessera/numerics/half.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace tessera::soak {

std::string placeName(uint64_t place) {
  if (place < kLocalBytes)
    return fmt::format("local lane {} byte 0x{:x}", place / chip::kLaneBytes,
                       place % chip::kLaneBytes);
  place -= kLocalBytes;
  if (place < kWindowBytes)
    return fmt::format("global 0x{:x}", chip::kGlobalBase + place);
  return fmt::format("L2 0x{:x}", chip::kL2Base + place - kWindowBytes);
}

void fill(uint8_t *to, uint64_t seed, uint64_t place, uint64_t size) {
  uint64_t end = place + size;
  for (; place < end && place % 8; ++place)
    *to++ = uint8_t(mix(seed, place / 8) >> place % 8 * 8);
  for (; place + 8 <= end; place += 8, to += 8) {
    uint64_t v = mix(seed, place / 8);
    std::memcpy(to, &v, 8);
  }
  for (; place < end; ++place)
    *to++ = uint8_t(mix(seed, place / 8) >> place % 8 * 8);
}

void fill(const Memories &m, uint64_t seed) {
  for (const auto &p : m.parts())
    fill(p.bytes, seed, p.first, p.size);
}

void copy(const Memories &from, const Memories &to) {
  for (int i : {0, 1, 2})
    std::memcpy(to.parts()[i].bytes, from.parts()[i].bytes, from.parts()[i].size);
}

Memories memoriesOf(sim::Machine &m) {
  auto bytes = [&](uint64_t address, uint64_t size) {
    return m.bytes(address, size, sim::Access::Write);
  };
  auto window = bytes(chip::kGlobalBase, kWindowBytes);
  if (!window) {
    TESSERA_CHECK(m.mapGlobal(chip::kGlobalBase, kWindowBytes).has_value(), "window");
    window = bytes(chip::kGlobalBase, kWindowBytes);
  }
  return {m.localMemory().data(), *window, *bytes(chip::kL2Base, chip::kL2Bytes)};
}

void writePatches(const Memories &m, const std::vector<Patch> &patches) {
  for (const Patch &p : patches)
    if (!p.bytes.empty())
      std::memcpy(m.at(placeOf(p), p.bytes.size()), p.bytes.data(), p.bytes.size());
}

void differences(const uint8_t *a, const uint8_t *b, uint64_t first, uint64_t size, size_t most,
                 std::vector<Span> &out) {
  constexpr uint64_t kBlock = 4096, kJoin = 8;
  for (uint64_t block = 0; block < size && out.size() < most; block += kBlock) {
    uint64_t end = std::min(block + kBlock, size);
    if (std::memcmp(a + block, b + block, end - block) == 0)
      continue;
    for (uint64_t i = block; i < end && out.size() < most; ++i) {
      if (a[i] == b[i])
        continue;
      if (!out.empty() && out.back().end <= first + i && first + i - out.back().end < kJoin &&
          out.back().begin >= first)
        out.back().end = first + i + 1;
      else
        out.push_back({first + i, first + i + 1});
    }
  }
}

std::vector<Span> differences(const Memories &a, const Memories &b, size_t most) {
  std::vector<Span> out;
  for (int i : {0, 1, 2})
    differences(a.parts()[i].bytes, b.parts()[i].bytes, a.parts()[i].first, a.parts()[i].size, most,
                out);
  return out;
}

namespace {

/// Bits of an element as an integer in the order of the floats they stand for, and its value.
struct Element {
  int64_t order;
  double value;
};
Element element(const uint8_t *p, chip::Type type) {
  auto ordered = [](int64_t bits, int width) {
    int64_t sign = int64_t(1) << (width - 1);
    return bits & sign ? -(bits & ~sign) : bits;
  };
  if (type == chip::Type::Fp32) {
    uint32_t bits;
    float value;
    std::memcpy(&bits, p, 4);
    std::memcpy(&value, p, 4);
    return {ordered(bits, 32), value};
  }
  uint16_t bits;
  std::memcpy(&bits, p, 2);
  return {ordered(bits, 16),
          type == chip::Type::Fp16 ? numerics::halfToFloat(bits) : numerics::bfloatToFloat(bits)};
}

} // namespace

bool within(const Tolerance &t, const Memories &ours, const Memories &theirs, Span span) {
  if (!chip::isFloat(t.type))
    return false;
  uint64_t size = uint64_t(chip::bytesOf(t.type));
  for (uint64_t place = span.begin / size * size; place < span.end; place += size) {
    Element a = element(ours.at(place, size), t.type), b = element(theirs.at(place, size), t.type);
    bool fits =
        std::isnan(a.value) || std::isnan(b.value)
            ? t.nan && std::isnan(a.value) && std::isnan(b.value)
            : std::abs(a.order - b.order) <= t.ulp || std::abs(a.value - b.value) <= t.absolute;
    if (!fits && std::memcmp(ours.at(place, size), theirs.at(place, size), size) != 0)
      return false;
  }
  return true;
}

} // namespace tessera::soak
