// sSEG: indices along a row or along the channels.
#include "test/soak/generate/elementwise.h"

namespace tessera::soak {
namespace {

Case seg(Draw &d) {
  isa::sSEG f;
  bool byChannel = d.chance();
  int64_t lane = d.between(0, 63);
  Type type = d.pick({Type::Int8, Type::Int16, Type::Int32, Type::Fp32});
  Shape s{1, d.size(700, 70), 1, byChannel ? 1 : d.size(700, 20)};
  while (s.c * s.w > 20000)
    s.c = (s.c + 1) / 2;
  f.tsk_eu_typ = byChannel ? 25 : 24;
  f.res0_prec = uint64_t(type);
  f.res0_c = uint64_t(s.c), f.res0_w = uint64_t(s.w);
  int64_t size = chip::bytesOf(type);
  LaneRoom room(d);
  f.res0_addr = chip::localAddress(
      lane, room.take(chip::alignedLaneBytes(lane, 1, s.c, 1, s.w, size), d.chance() ? 64 : size));
  return {either(d, isa::command(f)), {}, {}};
}

const Registered kSeg({"seg", seg, {isa::Form::sSEG, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
