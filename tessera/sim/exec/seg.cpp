// sSEG: indices counted along a row or along the channels (docs/numerics.md, "SEG").
#include "tessera/sim/exec/ar.h"

namespace tessera::sim::exec {

Status seg(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sSEG>(command);
  Dims d{1, int64_t(f.res0_c), 1, int64_t(f.res0_w)};
  int64_t size = chip::bitsOf(f.res0_prec) / 8;
  if (size == 0 || (chip::isFloat(Type(f.res0_prec)) && size == 2))
    return unsupported(fmt::format("element type code {}", f.res0_prec));
  bool byChannel = Ar(f.tsk_eu_typ) == Ar::LaneIndex;
  if (byChannel && d.w != 1)
    return fail("bad-shape", "result",
                fmt::format("{} columns where an index of channels has one", d.w));
  TESSERA_ASSIGN(Local r, alignedLocal(m, "result", f.res0_addr, d, size));
  for (int64_t c = 0; c < d.c; ++c)
    for (int64_t i = 0; i < d.w; ++i) {
      int64_t index = byChannel ? c : i;
      storeInts(r.plane(0, c) + i * size, 0, &index, 1, 8 * size);
    }
  return {};
}

} // namespace tessera::sim::exec
