// DMA_cw_transpose.
#include "test/soak/generate/gdma.h"

namespace tessera::soak {
namespace {

Case cwTranspose(Draw &d) {
  isa::DMA_cw_transpose f;
  auto type = drawType(d);
  int64_t size = chip::bytesOf(type);
  f.src_data_format = uint64_t(type);
  f.stride_enable = d.chance(0.7);
  setMask(f, drawMask(d));
  Shape s = drawShape(d), t{s.n, s.w, s.h, s.c};
  bool free = f.stride_enable == 1;
  Wanted from{.constant = true, .freeStrides = free, .packedRows = true, .repeats = true};
  Spot src = drawSpot(d, s, size, from);
  Wanted to = from;
  to.constant = false;
  // Ranges that overlap, in local memory even in different lanes, are refused.
  Spot dst = drawSpot(d, t, size, to);
  for (int i = 0; i < 50 && mayOverlap(src, s, dst, t, size); ++i)
    dst = drawSpot(d, t, size, to);
  f.nchw_copy = d.chance();
  setSource(f, s);
  if (!f.nchw_copy)
    setDestination(f, t);
  setSourceStrides(f, src.strides);
  setDestinationStrides(f, dst.strides);
  if (d.chance(0.3)) {
    f.src_wstride = uint64_t(d.between(0, 3));
    f.dst_wstride = uint64_t(d.between(0, 3));
  }
  isa::setSourceAddress(f, src.address);
  isa::setDestinationAddress(f, dst.address);
  return {isa::command(f), {}, {}};
}

const Registered kCwTranspose({"gdma_cw_transpose", cwTranspose, {isa::Form::DMA_cw_transpose}});

} // namespace
} // namespace tessera::soak
