#pragma once
// One price function an engine; only cycles.cpp and its tests look in here.
#include "tessera/isa/isa.h"

namespace tessera::cycles {

struct Price {
  uint64_t cycles = 0;
  bool measured = true; ///< false: our assumption, stated in docs/cycles.md
};
Price priceTiu(const isa::Command &);
Price priceGdma(const isa::Command &);

} // namespace tessera::cycles
