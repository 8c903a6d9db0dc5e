// DMA_general and its short form: linear copies, fills and lane broadcasts.
#include "test/soak/generate/gdma.h"

namespace tessera::soak {
namespace {

template <class F> Case fillIn(Draw &d, F f) {
  auto type = drawType(d);
  int64_t size = chip::bytesOf(type);
  f.src_data_format = uint64_t(type);
  setMask(f, drawMask(d));
  f.fill_constant_en = d.chance(0.2);
  f.constant_value = d.bits() & 0xFFFFFFFF;
  f.cmd_special_function = d.chance(0.4);
  int64_t count = d.chance(0.01) ? d.between(1, 40000) : d.size(3000, 50);
  Shape s{1, 1, 1, count};
  Wanted from{.constant = true, .freeStrides = false}, to{.freeStrides = false};
  if (f.cmd_special_function) {
    f.dst_csize = uint64_t(d.size(64));
    to.flat = false;
    to.lane = d.between(0, 64 - int64_t(f.dst_csize));
  }
  Spot src = drawSpot(d, s, size, from), dst = drawSpot(d, s, size, to);
  // Local memory is one row of bytes here: begin near a lane's end.
  for (Spot *spot : {&src, &dst})
    if (spot->isLocal() && d.chance(0.1)) {
      uint64_t end = (spot->address | uint64_t(chip::kLaneBytes - 1)) + 1;
      if (end + uint64_t((d.chance(0.5) ? 0 : 63) * chip::kLaneBytes) < chip::kLmemEnd)
        spot->address = end - uint64_t(d.between(1, 20) * size);
    }
  meet(d, src, dst, size);
  f.src_cstride = uint64_t(count);
  isa::setSourceAddress(f, src.address);
  isa::setDestinationAddress(f, dst.address);
  return {isa::command(f), {}, {}};
}

Case general(Draw &d) {
  return d.chance() ? fillIn(d, isa::DMA_general{}) : fillIn(d, isa::sDMA_general{});
}

const Registered
    kGeneral({"gdma_general", general, {isa::Form::DMA_general, isa::Form::sDMA_general}});

} // namespace
} // namespace tessera::soak
