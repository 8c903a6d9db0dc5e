#pragma once
// Random memory holds floats of all exponents, so that sums of them are mostly infinite. Patches of
// values near each other show the order and rounding of sums; near the ends of the exponent's range
// they show what becomes of results that no normal number holds.
#include "test/soak/generator.h"

#include <algorithm>

namespace tessera::soak {

/// The binade of a command's operands: mostly that of 1; else their products, or they themselves,
/// are near the smallest or the largest number of `type`.
inline int drawCentre(Draw &d, chip::Type type) {
  if (d.chance(0.6))
    return 0;
  int least = type == chip::Type::Fp16 ? -14 : -126;
  return int(d.pick({least / 2, least / 2, least / 2, least, -least / 2, -least}) +
             d.between(-2, 10));
}

/// One value as bits of `type`: within some binades of 2^centre, now and then zero, denormal,
/// infinite or NaN.
inline uint32_t drawFloat(Draw &d, chip::Type type, int binades, bool specials, int centre = 0) {
  int mantissaBits = type == chip::Type::Fp32 ? 23 : type == chip::Type::Fp16 ? 10 : 7;
  int exponentBits = type == chip::Type::Fp16 ? 5 : 8, bias = (1 << (exponentBits - 1)) - 1;
  int width = 1 + exponentBits + mantissaBits;
  uint64_t r = d.bits();
  auto mantissa = uint32_t(r) & ((1u << mantissaBits) - 1);
  uint32_t sign = uint32_t(r >> 32 & 1) << (width - 1);
  uint32_t kind = uint32_t(r >> 40) % 64;
  if (kind < 6)
    return sign; // zero
  if (kind == 6)
    mantissa = 0;
  if (specials && kind == 7)
    return sign | mantissa; // denormal
  if (specials && kind == 8 && (r >> 50) % 16 == 0)
    return sign | uint32_t((1 << exponentBits) - 1) << mantissaBits |
           ((r >> 60) % 4 ? 0 : mantissa);
  int e = bias + centre + int((r >> 48) % uint32_t(2 * binades + 1)) - binades;
  e = std::clamp(e, 0, (1 << exponentBits) - 2);
  return sign | uint32_t(e) << mantissaBits | mantissa;
}

/// Floats in [offset, offset + bytes) of `lanes` lanes from `lane` on (wrapping at lane 63).
inline void patchFloats(Draw &d, std::vector<Patch> &patches, chip::Type type, int64_t lane,
                        int64_t lanes, int64_t offset, int64_t bytes, int centre = 0) {
  int64_t size = chip::bytesOf(type);
  int binades = int(d.pick({1, 3, 8, 8, 20}));
  bool specials = d.chance(0.2);
  for (int64_t i = 0; i < std::min<int64_t>(lanes, chip::kLanes); ++i) {
    Patch p{true, uint64_t((lane + i) % chip::kLanes * chip::kLaneBytes + offset), {}};
    p.bytes.resize(size_t(bytes));
    for (int64_t b = 0; b + size <= bytes; b += size) {
      uint32_t v = drawFloat(d, type, binades, specials, centre);
      for (int64_t k = 0; k < size; ++k)
        p.bytes[size_t(b + k)] = uint8_t(v >> (8 * k));
    }
    patches.push_back(std::move(p));
  }
}

/// What a command computes with: floats mostly lie near each other, in every operand; else operands
/// are whatever is in memory.
struct Floats {
  Draw &d;
  std::vector<Patch> &patches;
  chip::Type type; ///< of the operands; for integers nothing is patched
  bool tame;
  int centre;

  Floats(Draw &draw, Case &c, chip::Type operands)
      : d(draw), patches(c.patches), type(operands), tame(chip::isFloat(operands) && d.chance(0.8)),
        centre(drawCentre(d, operands)) {}
  /// An operand of `lanes` lanes from `lane` on.
  void operand(int64_t lane, int64_t lanes, int64_t offset, int64_t bytes) {
    if (tame)
      patchFloats(d, patches, type, lane, lanes, offset, bytes, centre);
  }
  /// The same for numbers of type `as` that products are added to.
  void addend(chip::Type as, int64_t lane, int64_t lanes, int64_t offset, int64_t bytes) {
    if (tame)
      patchFloats(d, patches, as, lane, lanes, offset, bytes, 2 * centre);
  }
  uint32_t immediate() { return tame ? drawFloat(d, type, 3, true, centre) : uint32_t(d.bits()); }
  /// The same; where it is not tame, `zeros` of them are 0.
  uint32_t immediate(double zeros) { return !tame && d.chance(zeros) ? 0 : immediate(); }
};

/// Another type as wide as this float, or itself.
inline chip::Type sameSize(Draw &d, chip::Type type) {
  using chip::Type;
  return type == Type::Fp32 ? Type::Int32 : d.pick({Type::Int16, Type::Fp16, Type::Bf16});
}

} // namespace tessera::soak
