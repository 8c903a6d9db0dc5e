// DMA_tensor: copies, fills, N/C transpose, collect and distribute, broadcasts, 4-bank copies.
#include "test/soak/generate/gdma.h"

namespace tessera::soak {
namespace {

enum Kind {
  kCopy,
  kReshape,
  kFill,
  kNcTranspose,
  kCwTranspose,
  kBroadcast,
  k4Bank,
  k4BankBroadcast
};

Case tensor(Draw &d) {
  isa::DMA_tensor f;
  Kind kind = d.pick({kCopy, kCopy, kCopy, kReshape, kFill, kNcTranspose, kCwTranspose, kBroadcast,
                      k4Bank, k4BankBroadcast});
  auto type = drawType(d);
  int64_t size = chip::bytesOf(type);
  f.src_data_format = uint64_t(type);
  f.stride_enable = d.chance(0.7);
  setMask(f, drawMask(d));
  Shape s = drawShape(d), t = s;
  bool packed = kind != kCopy && kind != kReshape && kind != kFill;
  Wanted from{
      .constant = true, .freeStrides = f.stride_enable == 1, .packedRows = packed, .repeats = true};
  Wanted to{.freeStrides = f.stride_enable == 1, .packedRows = packed, .repeats = true};
  f.nchw_copy = kind == kCopy && d.chance();
  switch (kind) {
  case kCopy:
  case kFill:
    break;
  case kReshape:
    t = reshape(d, s);
    break;
  case kNcTranspose:
    f.cmd_special_function = 1;
    t = {s.c, s.n, s.h, s.w};
    f.nchw_copy = d.chance();
    break;
  case kCwTranspose:
    f.cmd_special_function = d.pick({2, 4});
    t = {s.n, s.w, s.h, s.c};
    f.nchw_copy = d.chance();
    break;
  case kBroadcast:
  case k4Bank:
  case k4BankBroadcast:
    f.cmd_special_function = kind == kBroadcast ? 3 : kind == k4Bank ? 5 : 6;
    to.flat = false;
    if (kind != k4Bank) {
      s.c = 1;
      t = s;
      t.c = d.size(64);
      to.lane = d.between(0, 64 - t.c);
    }
    f.nchw_copy = d.chance();
    if (!f.nchw_copy && kind == k4Bank && d.chance(0.2))
      t = reshape(d, s);
    if (t.n * chip::slots(63, t.c) * (t.h * t.w + 63) * size > 0x6000)
      s = t = {1, kind == k4Bank ? d.size(70) : 1, d.size(4), d.size(30)};
    if (kind != k4Bank)
      t.c = 64 - to.lane < t.c || t.c == 1 ? d.between(1, 64 - to.lane) : t.c;
    break;
  }
  Spot src = drawSpot(d, s, size, from), dst = drawSpot(d, t, size, to);
  if (kind != kCwTranspose)
    meet(d, src, dst, size);
  for (int i = 0; kind == kCwTranspose && i < 50 && mayOverlap(src, s, dst, t, size); ++i)
    dst = drawSpot(d, t, size, to);
  if (kind == k4Bank || kind == k4BankBroadcast) {
    // Room for most of the shapes: mostly near the first piece's begin.
    uint64_t at = uint64_t(d.between(0, d.chance(0.97) ? 0x800 : 0x7FFF) / size * size);
    dst.address = (dst.address & ~uint64_t(chip::kLaneBytes - 1)) + 0x20000 + at;
  }
  if (kind == kFill) {
    f.fill_constant_en = 1;
    f.constant_value = d.bits() & 0xFFFFFFFF;
    f.nchw_copy = 0;
  }
  setSource(f, s);
  if (!f.nchw_copy)
    setDestination(f, t);
  f.dst_csize = uint64_t(t.c);
  if (f.stride_enable || d.chance(0.1)) { // without effect where they are off
    setSourceStrides(f, src.strides);
    setDestinationStrides(f, dst.strides);
  }
  if (packed && d.chance(0.3)) { // without effect as well
    f.src_wstride = uint64_t(d.between(0, 3));
    f.dst_wstride = uint64_t(d.between(0, 3));
  }
  isa::setSourceAddress(f, src.address);
  isa::setDestinationAddress(f, dst.address);
  return {isa::command(f), {}, {}};
}

const Registered kTensor({"gdma_tensor", tensor, {isa::Form::DMA_tensor}});

} // namespace
} // namespace tessera::soak
