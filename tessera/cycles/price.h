#pragma once
// One price function an engine; only this room looks in here.
#include "tessera/cycles/preset.h"
#include "tessera/isa/isa.h"

namespace tessera::cycles {

using Wide = unsigned __int128; // bytes * 2^30 leaves 64 bits

/// How much there is to do, for the preset to say how long it takes: units / per of the kind's
/// unit.
struct Price {
  Kind kind = Kind::System;
  Wide units = 0;
  uint64_t per = 1;
  bool measured = true; ///< false: our assumption, stated in docs/cycles.md
};
Price priceTiu(const isa::Command &, const Preset &);
Price priceGdma(const isa::Command &, const Preset &);
inline Price priceOf(const isa::Command &c, const Preset &p) {
  return c.engine == isa::Engine::Tiu ? priceTiu(c, p) : priceGdma(c, p);
}

} // namespace tessera::cycles
