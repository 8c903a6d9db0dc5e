// sTRANSBC: transposes and broadcasts between lanes and from static memory.
#include "test/soak/generate/tiu.h"

namespace tessera::soak {
namespace {

using chip::Type;

Case transbc(Draw &d) {
  isa::sTRANSBC f;
  f.cmd_short = 1, f.cmd_id_en = 1, f.tsk_typ = 5;
  uint64_t op = f.tsk_eu_typ = uint64_t(d.between(0, 5));
  auto type = d.pick({Type::Int8, Type::Fp16, Type::Fp32, Type::Int16, Type::Int32, Type::Bf16});
  int64_t size = chip::bytesOf(type);
  f.res0_prec = uint64_t(type);
  Shape s = shape(d);
  if (op < 2) // columns become channels: both may outnumber the lanes
    s = {d.size(3, 2), d.size(130, 8), d.size(9, 3), d.size(130, 8)};
  f.res0_n = uint64_t(s.n), f.res0_c = uint64_t(s.c), f.res0_h = uint64_t(s.h),
  f.res0_w = uint64_t(s.w);
  f.opd0_c = uint64_t(op == 3 ? 1 : op < 2 ? s.w : s.c);
  f.opd0_w = uint64_t(op < 2 ? s.c : s.w);
  if (d.chance(0.1)) // the chip takes the sizes from the result
    f.opd0_c = uint64_t(d.between(0, 9)), f.opd0_w = uint64_t(d.between(0, 9));
  LaneRoom room(d);
  int64_t to = startLane(d), from = startLane(d);
  auto bytes = [&](const chip::LocalLayout &l) { return s.n * l.n * size; };
  f.res0_addr = chip::localAddress(
      to, room.take(bytes(op == 0 ? chip::rowAlignedLayout(to, s.n, s.c, s.h, s.w, size)
                                  : chip::alignedLayout(to, s.n, s.c, s.h, s.w, size))));
  if (op >= 4) {
    int64_t table = op == 4 ? s.w : s.c;
    f.opd0_addr =
        chip::kStaticBase + uint64_t(d.between(0, (0xC00 - table * size) / size)) * uint64_t(size);
  } else {
    int64_t channels = op < 2 ? s.w : op == 3 ? 1 : s.c, columns = op < 2 ? s.c : s.w;
    f.opd0_addr = chip::localAddress(
        from, room.take(bytes(chip::alignedLayout(from, s.n, channels, s.h, columns, size))));
  }
  return {either(d, isa::command(f)), {}, {}};
}

const Registered kTransbc({"transbc", transbc, {isa::Form::sTRANSBC, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
