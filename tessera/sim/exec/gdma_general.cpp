// DMA_general: linear copies (bm1684x.md 3.13). The element count lies in src_cstride.
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/exec/gdma.h"

namespace tessera::sim::exec {

Status gdmaGeneral(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::DMA_general>(command);
  int64_t size = chip::bytesOf(Type(f.src_data_format));
  if (size == 0 || f.decompress_enable || f.cmd_special_function > 1)
    return unsupported("this kind of linear copy");
  uint64_t to = isa::destinationAddress(f);
  uint64_t bytes = f.src_cstride * uint64_t(size);
  const uint8_t *src = nullptr;
  if (!f.fill_constant_en) {
    TESSERA_ASSIGN(src, m.bytes(isa::sourceAddress(f), bytes, Access::Read));
  }
  // Special function 1 writes the same bytes to dst_csize lanes.
  bool broadcast = f.cmd_special_function == 1;
  int64_t lanes = broadcast ? int64_t(f.dst_csize) : 1;
  if (broadcast && (chip::spaceOf(to) != chip::Space::Local || lanes < 1 ||
                    chip::laneOf(to - chip::kLmemBase) + lanes > chip::kLanes))
    return fail("bad-shape", "destination",
                fmt::format("a broadcast to {} lanes from 0x{:x} on", f.dst_csize, to));
  for (int64_t lane = 0; lane < lanes; ++lane) {
    uint64_t address = to + uint64_t(lane * chip::kLaneBytes);
    TESSERA_ASSIGN(uint8_t *dst, m.bytes(address, bytes, Access::Write));
    bool isLocal = chip::spaceOf(address) == chip::Space::Local;
    if (isLocal && !(laneMask(f) >> chip::laneOf(address - chip::kLmemBase) & 1))
      continue;
    if (src)
      std::memmove(dst, src, bytes);
    else
      for (uint64_t i = 0; i < bytes; i += uint64_t(size))
        std::memcpy(dst + i, &f.constant_value, size_t(size));
  }
  return {};
}

} // namespace tessera::sim::exec
