// sRQDQ: requantize and dequantize, in both lengths.
#include "test/soak/generate/tiu.h"

#include <bit>
#include <cstring>

namespace tessera::soak {
namespace {

using chip::Type;

/// Bits of an fp32 parameter: mostly tame, sometimes a special value.
uint32_t real(Draw &d, double least, double most) {
  if (d.chance(0.05))
    return d.pick({0x7F800000u, 0xFF800000u, 0x7FC00000u, 0x80000000u, 0x00000001u, 0x00800000u});
  if (d.chance(0.05))
    return uint32_t(d.bits());
  if (d.chance(0.05)) // products with integers near the smallest normal number
    return (uint32_t(d.bits()) & 0x807FFFFF) | uint32_t(d.between(0, 30)) << 23;
  double v = std::ldexp(double(d.between(-(1 << 24), 1 << 24)) / (1 << 24),
                        int(d.between(int64_t(std::log2(least)), int64_t(std::log2(most)))));
  return std::bit_cast<uint32_t>(float(v));
}

uint32_t multiplier(Draw &d) { return uint32_t(int32_t(uint32_t(d.bits())) >> d.between(0, 31)); }
uint32_t shift(Draw &d) {
  return uint32_t(d.chance(0.8) ? d.between(-40, 4) : d.between(-128, 127));
}
uint32_t zeroPoint(Draw &d) { return d.chance() ? 0 : uint32_t(d.between(-32768, 65535)); }

Case rqdq(Draw &d) {
  isa::sRQDQ f;
  f.cmd_short = 1, f.cmd_id_en = 1, f.tsk_typ = 4;
  uint64_t op = f.tsk_eu_typ = d.pick({0, 1, 1, 3, 4});
  // Requantize reads int16 and int32 and takes all other types for zero.
  bool isRq = op < 2;
  Type from = !isRq            ? d.pick({Type::Int8, Type::Int16})
              : d.chance(0.95) ? d.pick({Type::Int16, Type::Int32, Type::Int32})
                               : d.pick({Type::Int8, Type::Fp16, Type::Bf16, Type::Fp32});
  Type to = op == 3          ? d.pick({Type::Fp32, Type::Fp32, Type::Fp32, Type::Int32})
            : d.chance(0.95) ? d.pick({Type::Int8, Type::Int8, Type::Int16, Type::Int32})
                             : d.pick({Type::Fp16, Type::Bf16, Type::Fp32});
  f.opd0_prec = uint64_t(from), f.res0_prec = uint64_t(to);
  f.opd0_sign = d.chance(), f.opd2_sign = d.chance();
  f.opd2_n_str = op == 0 ? d.between(0, 7) | d.between(0, 4) << 3 : d.between(0, 63);
  Shape s = shape(d);
  f.res0_n = s.n, f.res0_c = s.c, f.res0_h = s.h, f.res0_w = s.w;
  LaneRoom room(d);
  int64_t lane = startLane(d);
  auto place = [&](Type type, int64_t at) {
    return chip::localAddress(
        at, room.take(chip::alignedLaneBytes(at, s.n, s.c, s.h, s.w, chip::bytesOf(type))));
  };
  // The operands may start at lanes of their own.
  auto laneFor = [&] { return d.chance(0.9) ? lane : startLane(d); };
  f.res0_addr = place(to, lane);
  // Narrowing in place is what streams do; a result wider than its source would run into it.
  bool inPlace = d.chance(0.1) && chip::bytesOf(from) == chip::bytesOf(to);
  f.opd0_addr = inPlace ? f.res0_addr : place(from, laneFor());
  f.opd1_const = d.chance(0.4);
  std::vector<Patch> patches;
  auto triple = [&] { return std::array<uint32_t, 3>{multiplier(d), shift(d), zeroPoint(d)}; };
  if (f.opd1_const) {
    auto [m, sh, z] = triple();
    switch (op) {
    case 0:
      f.opd1_addr = real(d, 1e-9, 4), f.opd2_addr = real(d, 1e-3, 1e6);
      break;
    case 1:
      f.opd1_addr = m, f.opd2_addr = (sh & 0xFF) | z << 16 | (uint32_t(d.bits()) & 0xFF00);
      break;
    case 3:
      f.opd1_addr = z, f.opd2_addr = real(d, 1e-6, 1e3);
      break;
    default:
      f.opd1_addr = (z & 0xFFFF) | sh << 16, f.opd2_addr = m;
    }
  } else {
    int64_t at = laneFor(), slots = chip::slots(at, s.c);
    f.opd1_addr = chip::localAddress(at, room.take(slots * chip::kEuBytes));
    for (int64_t c = 0; c < s.c; ++c) {
      auto [m, sh, z] = triple();
      std::vector<uint32_t> words;
      if (op == 0)
        words = {real(d, 1e-9, 4), real(d, 1e-3, 1e6)};
      else if (op == 1)
        words = {m, d.chance(0.9) ? sh : sh & 0xFF, z};
      else if (op == 3)
        words = {z, real(d, 1e-6, 1e3)};
      else
        words = {z, m, sh};
      patches.push_back(patch(f.opd1_addr, c, chip::kEuBytes, words));
    }
  }
  return {either(d, isa::command(f)), std::move(patches), {}};
}

const Registered kRqdq({"rqdq", rqdq, {isa::Form::sRQDQ, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
