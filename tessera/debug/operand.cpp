#include "tessera/debug/operand.h"

#include <fmt/format.h>

namespace tessera::debug {

uint64_t hashOf(sim::Machine &m, const sim::OperandUse &o) {
  uint64_t hash = 0xcbf29ce484222325;
  forRows(m, o, [&](const uint8_t *p, uint64_t, int64_t) {
    for (int64_t w = 0; w < o.w; ++w)
      for (int64_t b = 0; b < o.size; ++b)
        hash = (hash ^ p[w * o.strides.w * o.size + b]) * 0x100000001b3;
  });
  return hash;
}

bool touches(sim::Machine &m, const sim::OperandUse &o, uint64_t address, uint64_t bytes) {
  bool any = false;
  forRows(m, o, [&](const uint8_t *, uint64_t at, int64_t extent) {
    if (any || at >= address + bytes || address >= at + uint64_t(extent))
      return;
    for (int64_t w = 0; w < o.w && !any; ++w) {
      uint64_t first = at + uint64_t(w * o.strides.w * o.size);
      any = first < address + bytes && address < first + uint64_t(o.size);
    }
  });
  return any;
}

std::string placeText(const sim::OperandUse &o) {
  return o.local
             ? fmt::format("lane {} + {:#x}", chip::laneOf(o.address), chip::offsetOf(o.address))
             : fmt::format("{:#x}", o.address);
}

} // namespace tessera::debug
