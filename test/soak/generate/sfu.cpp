// sSFU: polynomials, exponents, reciprocal square roots.
#include "test/soak/generate/tiu.h"

#include <bit>

namespace tessera::soak {
namespace {

using chip::Type;

Case sfu(Draw &d) {
  isa::sSFU f;
  f.cmd_short = 1, f.cmd_id_en = 1, f.tsk_typ = 9;
  uint64_t op = f.tsk_eu_typ = uint64_t(d.pick({12, 13, 15, 17}));
  auto type = op == 17 ? Type::Fp32 : d.pick({Type::Fp32, Type::Fp16, Type::Bf16});
  int64_t size = chip::bytesOf(type);
  f.opd0_prec = f.res0_prec = uint64_t(type);
  if (op == 15 && d.chance())
    f.res0_prec = uint64_t(size == 4 ? Type::Int32 : Type::Int16);
  f.opd2_n_str = uint64_t(d.between(0, 3));
  Shape s = shape(d);
  f.res0_n = uint64_t(s.n), f.res0_c = uint64_t(s.c), f.res0_h = uint64_t(s.h),
  f.res0_w = uint64_t(s.w);
  LaneRoom room(d);
  int64_t lane = startLane(d);
  int64_t bytes = chip::alignedLaneBytes(lane, s.n, s.c, s.h, s.w, size);
  f.res0_addr = chip::localAddress(lane, room.take(bytes));
  f.opd0_addr = d.chance(0.1) ? f.res0_addr : chip::localAddress(lane, room.take(bytes));
  auto n = int64_t(f.opd1_n = uint64_t(d.between(2, 12)));
  f.opd1_addr = chip::localAddress(lane, room.take(chip::alignUp(n * size, 64)));
  // Random bits are mostly far from 1: give some values and tables an exponent near it.
  std::vector<Patch> patches;
  auto tame = [&](uint64_t address, int64_t count) {
    for (int64_t c = 0; c < std::min(s.c, chip::kLanes); ++c) {
      std::vector<uint32_t> v(static_cast<size_t>(count));
      for (auto &x : v) {
        auto real = float(std::ldexp(double(d.between(-4096, 4096)) / 4096, int(d.between(-3, 2))));
        uint32_t bits = std::bit_cast<uint32_t>(real);
        x = type == Type::Fp32   ? bits
            : type == Type::Bf16 ? bits >> 16
                                 : uint32_t(d.bits()) & 0xBFFF;
      }
      patches.push_back(planePatch(address, {}, size, 0, c, v));
    }
  };
  if (d.chance(0.7)) {
    tame(f.opd1_addr, n);
    if (lane + s.c <= chip::kLanes)
      tame(f.opd0_addr, s.h * s.w);
  }
  Tolerance nan;
  nan.type = type;
  return {either(d, isa::command(f)), std::move(patches),
          op == 15 ? std::nullopt : std::optional(nan)};
}

const Registered kSfu({"sfu", sfu, {isa::Form::sSFU, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
