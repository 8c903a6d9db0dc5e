#pragma once
// What a command touched, as text, hash and byte ranges.
#include "tessera/runtime/runtime.h"

namespace tessera::debug {

/// body(host bytes of a row, address of its first element as GDMA commands write it, bytes from the
/// first to the last element, count) for every row of the operand.
template <class Body> void forRows(sim::Machine &m, const sim::OperandUse &o, Body body) {
  int64_t extent = ((o.w - 1) * o.strides.w + 1) * o.size;
  for (int64_t n = 0; n < o.n; ++n)
    for (int64_t c = 0; c < o.c; ++c)
      for (int64_t h = 0; h < o.h; ++h) {
        uint64_t address = o.address;
        if (o.local) {
          int64_t lane = chip::laneOf(o.address) + c;
          int64_t step = n * o.strides.n + lane / chip::kLanes * o.strides.c + h * o.strides.h;
          address = chip::kLmemBase + chip::localAddress(lane % chip::kLanes,
                                                         chip::offsetOf(o.address) + step * o.size);
        } else {
          address += uint64_t((n * o.strides.n + c * o.strides.c + h * o.strides.h) * o.size);
        }
        if (auto p = m.bytes(address, uint64_t(extent), sim::Access::Read))
          body(static_cast<const uint8_t *>(*p), address, extent);
      }
}

/// FNV-1a over all elements' bytes in n, c, h, w order.
uint64_t hashOf(sim::Machine &m, const sim::OperandUse &o);
/// Whether an element lies in [address, address + bytes) as GDMA commands write addresses.
bool touches(sim::Machine &m, const sim::OperandUse &o, uint64_t address, uint64_t bytes);
/// "lane 3 + 0x100" or "0x100001000".
std::string placeText(const sim::OperandUse &o);

} // namespace tessera::debug
