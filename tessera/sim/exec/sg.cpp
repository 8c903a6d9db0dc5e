// sSG: gather, scatter and select in a lane (bm1684x.md 3.3; rules: docs/numerics.md, "SG").
#include "tessera/sim/exec/sg_job.h"

namespace tessera::sim::exec {

Status sg(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sSG>(command);
  SgJob j{m,
          f,
          {int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)},
          chip::bytesOf(Type(f.res0_prec))};
  uint64_t op = f.tsk_eu_typ;
  bool isList = op == kNonzero || op == kNonzeroHazard || op == kPingPong;
  if (j.size == 0 || chip::bytesOf(Type(f.opd0_prec)) == 0)
    return unsupported("element type of 4 bits");
  if (f.opd0_prec != f.res0_prec && !isList)
    return unsupported("gather or scatter between types");
  // The channels of indices that every channel has of its own.
  if (op == kPeGather || op == kPeScatter || op == kPeGatherHazard || op == kPeScatterHazard)
    TESSERA_TRY(sameSize("channels of indices and result", f.opd1_c, f.res0_c));
  switch (op) {
  case kPlGather1:
  case kPlGather2:
    return plGather(j);
  case kPlGatherRectangle:
    return plGatherRectangle(j);
  case kPlScatter1:
  case kPlScatter2:
    return plScatter(j);
  case kPeGather:
  case kPeGatherHazard:
    return peGather(j);
  case kPeScatter:
  case kPeScatterHazard:
    return peScatter(j);
  case kPeMultiGather:
    return peMultiGather(j);
  case kMaskSelect:
  case kMaskSelectHazard:
    return maskSelect(j);
  case kNonzero:
  case kNonzeroHazard:
    return nonzero(j);
  case kPingPong:
    return pingPong(j);
  default:
    return unsupported(fmt::format("gather or scatter operation {}", op));
  }
}

} // namespace tessera::sim::exec
