// sAR: element-wise arithmetic.
#include "test/soak/generator.h"

namespace tessera::soak {
namespace {

Case ar(Draw &d) {
  isa::sAR f;
  int64_t lane = d.between(0, 63), n = d.size(4, 2), c = d.size(130, 6), h = d.size(9, 4),
          w = d.size(40, 6);
  auto type = d.pick({chip::Type::Int8, chip::Type::Int16, chip::Type::Int32});
  int64_t bytes = chip::alignedLaneBytes(lane, n, c, h, w, chip::bytesOf(type));
  LaneRoom room(d);
  auto address = [&] { return chip::localAddress(lane, room.take(bytes)); };
  f.tsk_eu_typ = d.pick({0, 2, 3}); // mul, add, sub
  f.tsk_opd_num = 2;
  f.res0_prec = f.opd0_prec = f.opd1_prec = uint64_t(type);
  f.opd0_sign = d.chance();
  f.opd1_sign = d.chance();
  f.res0_n = n, f.res0_c = c, f.res0_h = h, f.res0_w = w;
  f.res0_addr = address();
  f.opd0_addr = address();
  f.opd1_addr = address();
  return {isa::command(f), {}, {}};
}

const Registered kAr({"ar", ar, {isa::Form::sAR}});

} // namespace
} // namespace tessera::soak
