// DMA_general: linear copies and fills, to one place or to the same place of many lanes
// (docs/numerics.md "GDMA"). The element count lies in src_cstride. Local memory is one row of
// bytes here: a copy runs on from the end of a lane into the next.
#include "tessera/sim/element.h"
#include "tessera/sim/exec/gdma.h"

namespace tessera::sim::exec {
namespace {

Result<uint8_t *> linear(Machine &m, const char *what, uint64_t address, uint64_t bytes,
                         int64_t size, Access access) {
  if (address % uint64_t(size))
    return fail(
        "bad-address", what,
        fmt::format("address 0x{:x} is no multiple of the element's {} bytes", address, size));
  if (chip::spaceOf(address) != chip::Space::Local)
    return m.bytes(address, bytes, access);
  if (bytes > chip::kLmemEnd - address)
    return fail("bad-address", what,
                fmt::format("{} bytes from 0x{:x} on leave local memory", bytes, address));
  return m.localMemory().data() + (address - chip::kLmemBase);
}

template <class F> Status linearMove(Machine &m, const F &f) {
  TESSERA_ASSIGN(int64_t size, elementBytes(f));
  if (f.cmd_special_function > 1)
    return unsupported(fmt::format("GDMA linear special function {}", f.cmd_special_function));
  bool broadcast = f.cmd_special_function == 1;
  uint64_t to = isa::destinationAddress(f), bytes = f.src_cstride * uint64_t(size);
  bool isLocal = chip::spaceOf(to) == chip::Space::Local;
  int64_t lanes = broadcast ? int64_t(f.dst_csize) : 1;
  if (broadcast &&
      (!isLocal || lanes < 1 || chip::laneOf(to - chip::kLmemBase) + lanes > chip::kLanes))
    return fail("bad-shape", "destination",
                fmt::format("a broadcast to {} lanes from 0x{:x} on", f.dst_csize, to),
                "it needs all its lanes from the start lane to lane 63");
  const uint8_t *src = nullptr;
  if (!f.fill_constant_en) {
    TESSERA_ASSIGN(src, linear(m, "source", isa::sourceAddress(f), bytes, size, Access::Read));
  }
  auto lane = [&](int64_t i) {
    return linear(m, "destination", to + uint64_t(i * chip::kLaneBytes), bytes, size,
                  Access::Write);
  };
  TESSERA_TRY(lane(lanes - 1)); // the farthest
  TESSERA_ASSIGN(uint8_t *first, lane(0));
  uint64_t mask = laneMask(f);
  // Lane after lane: a source inside an earlier lane's destination has changed by then. With a mask
  // the chip goes element by element, without one a range that overlaps its source stays whole.
  for (int64_t i = 0; i < lanes; ++i) {
    uint8_t *dst = first + i * chip::kLaneBytes;
    uint64_t start = to - chip::kLmemBase + uint64_t(i * chip::kLaneBytes);
    bool masked = isLocal && mask != ~uint64_t(0);
    if (src && !masked)
      std::memmove(dst, src, bytes);
    else
      for (uint64_t at = 0; at < bytes; at += uint64_t(size))
        if (!masked || (mask >> chip::laneOf(start + at) & 1))
          std::memcpy(dst + at,
                      src ? src + at : reinterpret_cast<const uint8_t *>(&f.constant_value),
                      size_t(size));
  }
  return {};
}

} // namespace

Status gdmaGeneral(Machine &m, const isa::Command &command) {
  return command.form == isa::Form::DMA_general
             ? linearMove(m, isa::decode<isa::DMA_general>(command))
             : linearMove(m, isa::decode<isa::sDMA_general>(command));
}

} // namespace tessera::sim::exec
