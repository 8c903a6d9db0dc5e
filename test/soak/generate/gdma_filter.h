#pragma once
// Memory in which many elements are zero, for nonzero and masked select.
#include "test/soak/generate/gdma.h"

namespace tessera::soak {

/// Bytes of a tensor of `bytes` bytes from `address` on (gaps between lanes' planes included): many
/// zeros, and the special values of every type.
inline void sparse(Draw &d, uint64_t address, int64_t bytes, std::vector<Patch> &patches) {
  chip::Space space = chip::spaceOf(address);
  if (space == chip::Space::Static)
    return;
  Patch p{space == chip::Space::Local,
          space == chip::Space::Local ? address - chip::kLmemBase
          : space == chip::Space::L2  ? kL2Offset + (address - chip::kL2Base)
                                      : address - chip::kGlobalBase,
          {}};
  // Enough to meet all cases; what lies behind is random, and seldom zero.
  p.bytes.resize(size_t(std::min<int64_t>(bytes, p.local ? 48 : 400)));
  double zeros = d.pick({0.1, 0.5, 0.9, 1.0});
  // -0, denormals, infinities and NaNs of fp32 and, as halves, of fp16 and bf16.
  static constexpr uint32_t kWords[] = {0x80000000, 0x00000001, 0x80000001, 0x007FFFFF, 0x00800000,
                                        0x7F800000, 0x7FC00000, 0x80008000, 0x00018000, 0x7C007F80,
                                        0xFC01FF81, 0x3F800000, 0x3C003F80, 0x00010000, 0x03FF007F};
  for (size_t i = 0; i < p.bytes.size(); i += 4) {
    uint32_t word = d.chance(zeros) ? 0
                    : d.chance(0.4) ? kWords[d.bits() % std::size(kWords)]
                    : d.chance(0.3) ? uint32_t(d.bits() & d.bits() & d.bits())
                                    : uint32_t(d.bits());
    for (size_t b = 0; b < 4 && i + b < p.bytes.size(); ++b)
      p.bytes[i + b] = uint8_t(word >> 8 * b);
  }
  patches.push_back(std::move(p));
}

/// The same for a tensor of default strides, lane by lane in local memory.
inline void sparse(Draw &d, const Spot &spot, const Shape &s, int64_t size,
                   std::vector<Patch> &patches) {
  if (!spot.isLocal())
    return sparse(d, spot.address, s.count() * size, patches);
  int64_t lane = chip::laneOf(spot.address - chip::kLmemBase);
  int64_t bytes = chip::alignedLaneBytes(lane, s.n, s.c, s.h, s.w, size);
  for (int64_t i = 0; i < std::min(s.c, chip::kLanes); ++i) {
    uint64_t at = chip::localAddress((lane + i) % chip::kLanes,
                                     chip::offsetOf(spot.address - chip::kLmemBase));
    int64_t room = chip::kLaneBytes - chip::offsetOf(at);
    sparse(d, chip::kLmemBase + at, std::min(bytes, room), patches);
  }
}

/// Results of up to `count` elements of `size` bytes, at any multiple of `align` bytes.
inline uint64_t drawResults(Draw &d, int64_t count, int64_t size, int64_t align) {
  bool l2 = d.chance(0.25);
  int64_t room = (l2 ? int64_t(chip::kL2Bytes) : int64_t(kWindowBytes)) - count * size;
  int64_t at = d.between(0, std::min<int64_t>(room, d.chance(0.7) ? 8192 : room)) / align * align;
  return (l2 ? chip::kL2Base : chip::kGlobalBase) + uint64_t(at);
}

} // namespace tessera::soak
