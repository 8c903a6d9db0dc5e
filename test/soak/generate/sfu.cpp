// sSFU: polynomials, exponents, reciprocal square roots.
#include "test/soak/generate/floats.h"
#include "test/soak/generate/tiu.h"

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
  std::vector<Patch> patches;
  if (d.chance(0.7)) {
    int centre = drawCentre(d, type);
    patchFloats(d, patches, type, lane, s.c, chip::offsetOf(f.opd1_addr), n * size,
                d.chance() ? 0 : centre);
    patchFloats(d, patches, type, lane, s.c, chip::offsetOf(f.opd0_addr), bytes, centre);
  }
  return {either(d, isa::command(f)), std::move(patches), {}};
}

const Registered kSfu({"sfu", sfu, {isa::Form::sSFU, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
