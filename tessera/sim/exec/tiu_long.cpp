// TIU_long: any class in its 1024-bit form. The fields mean what they do in the short form; the
// lane mask is all that is new (docs/numerics.md).
#include "tessera/sim/exec/exec.h"

#include <cstring>

namespace tessera::sim::exec {

Status tiuLong(Machine &m, const isa::Command &command) {
  TESSERA_ASSIGN(isa::Command c, isa::shortForm(command));
  ExecuteFn function = executeFunction(c.form);
  if (!function)
    return unsupported("the long form of this instruction");
  uint64_t lanes = isa::decode<isa::TIU_long>(command).tsk_lane_num;
  if (!~lanes)
    return function(m, c);
  // Masked lanes compute, but nothing is written to them. Masks are rare: keep those lanes aside.
  Pages pages(chip::kLmemBytes);
  uint8_t *kept = pages.data();
  auto copyMasked = [&](auto copy) {
    for (int64_t lane = 0; lane < chip::kLanes; ++lane)
      if (!(lanes >> lane & 1))
        copy(m.lane(lane), kept + lane * chip::kLaneBytes);
  };
  copyMasked([](uint8_t *lane, uint8_t *k) { std::memcpy(k, lane, chip::kLaneBytes); });
  Status status = function(m, c);
  copyMasked([](uint8_t *lane, uint8_t *k) { std::memcpy(lane, k, chip::kLaneBytes); });
  return status;
}

} // namespace tessera::sim::exec
