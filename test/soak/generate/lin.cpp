// sLIN: per-channel linear functions of floats.
#include "test/soak/generate/elementwise.h"

namespace tessera::soak {
namespace {

Case lin(Draw &d) {
  Type type = d.pick({Type::Fp32, Type::Fp16, Type::Bf16});
  int64_t size = chip::bytesOf(type), lane = d.between(0, 63);
  isa::sLIN f;
  f.tsk_eu_typ = uint64_t(d.pick({1, 20, 21}));
  f.res0_prec = uint64_t(type);
  Shape s = drawShape(d);
  auto bytes = [&](int64_t at) { return chip::alignedLaneBytes(at, s.n, s.c, s.h, s.w, size); };
  while (bytes(lane) > 50000)
    s.w = (s.w + 1) / 2, s.c = (s.c + 1) / 2;
  f.res0_n = uint64_t(s.n), f.res0_c = uint64_t(s.c);
  f.res0_h = uint64_t(s.h), f.res0_w = uint64_t(s.w);
  LaneRoom room(d);
  std::vector<Patch> patches;
  f.res0_addr = chip::localAddress(lane, room.take(bytes(lane), d.chance(0.7) ? 64 : size));
  int64_t source = drawLane(d, lane);
  f.opd0_addr = chip::localAddress(source, room.take(bytes(source), d.chance(0.7) ? 64 : size));
  if (d.chance(0.1))
    f.opd0_addr = f.res0_addr;
  bool telling = d.chance(0.7);
  if (telling)
    patchValues(d, patches, f.opd0_addr, bytes(source), s.c, type);
  auto coefficient = [&](uint64_t &address, uint64_t &isConst) {
    isConst = d.chance(0.3);
    address = drawValue(d, type);
    if (isConst)
      return;
    int64_t at = drawLane(d, lane), total = size * chip::slots(at, s.c);
    address = chip::localAddress(at, room.take(total, size));
    if (telling)
      patchValues(d, patches, address, total, s.c, type);
  };
  coefficient(f.opd1_addr, f.opd1_const);
  coefficient(f.opd2_addr, f.opd2_const);
  return {either(d, isa::command(f)), std::move(patches), {}};
}

const Registered kLin({"lin", lin, {isa::Form::sLIN, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
