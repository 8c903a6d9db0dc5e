// DMA_tensor and DMA_cw_transpose (bm1684x.md 3.13, "BM1684X measured numerics" section 7).
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/exec/gdma.h"

namespace tessera::sim::exec {
namespace {

enum Special : uint64_t { kNone = 0, kNcTranspose = 1, kChannelBroadcast = 3 };

/// Whether the mask lets the command write this channel's lane.
bool writable(const Side &dst, int64_t c, uint64_t mask) {
  return !dst.isLocal || (mask >> dst.lane(c) & 1);
}

/// The same coordinates on both sides.
void copySame(Dims d, const Side &src, const Side &dst, uint64_t mask) {
  bool flat = src.strides.h == d.w * src.strides.w && dst.strides.h == d.w * dst.strides.w;
  int64_t rows = flat ? 1 : d.h, count = flat ? d.h * d.w : d.w, size = src.size;
  forPlanes(d, [&](int64_t n, int64_t c) {
    if (!writable(dst, c, mask))
      return;
    uint8_t *to = dst.at(n, c, 0, 0);
    const uint8_t *from = src.at(n, c, 0, 0);
    for (int64_t h = 0; h < rows; ++h)
      copyRow(to + h * size * dst.strides.h, size * dst.strides.w, from + h * size * src.strides.h,
              size * src.strides.w, count, size);
  });
}

/// Element k of the source in n, c, h, w order becomes element k of the destination.
void copyReshaped(Dims s, const Side &src, Dims d, const Side &dst, uint64_t mask) {
  forPlanes(d, [&](int64_t n, int64_t c) {
    if (!writable(dst, c, mask))
      return;
    int64_t k = (n * d.c + c) * d.h * d.w;
    for (int64_t h = 0; h < d.h; ++h)
      for (int64_t w = 0; w < d.w; ++w, ++k)
        std::memcpy(dst.at(n, c, h, w),
                    src.at(k / (s.c * s.h * s.w), k / (s.h * s.w) % s.c, k / s.w % s.h, k % s.w),
                    size_t(src.size));
  });
}

template <class F> Status checkFormat(const F &f) {
  if (f.decompress_enable)
    return unsupported("decompression while moving");
  if (chip::bytesOf(Type(f.src_data_format)) == 0)
    return unsupported("element type of 4 bits");
  return {};
}

Status fill(Machine &m, const isa::DMA_tensor &f, int64_t size) {
  Dims d = destinationDims(f);
  TESSERA_ASSIGN(Side dst, side(m, "destination", isa::destinationAddress(f), d, size,
                                f.stride_enable, destinationStrides(f), Access::Write));
  forPlanes(d, [&](int64_t n, int64_t c) {
    if (writable(dst, c, laneMask(f)))
      for (int64_t h = 0; h < d.h; ++h)
        for (int64_t w = 0; w < d.w; ++w)
          std::memcpy(dst.at(n, c, h, w), &f.constant_value, size_t(size));
  });
  return {};
}

/// One channel to dst_csize lanes. The commands leave c and w strides 0; rows are contiguous.
Status broadcast(Machine &m, const isa::DMA_tensor &f, int64_t size) {
  Dims s = sourceDims(f), d{s.n, int64_t(f.dst_csize), s.h, s.w};
  if (s.c != 1)
    return fail("bad-shape", "source", fmt::format("channel broadcast of {} channels", s.c));
  LocalLayout from = sourceStrides(f), to = destinationStrides(f);
  from.w = to.w = 1;
  TESSERA_ASSIGN(Side src, side(m, "source", isa::sourceAddress(f), s, size, f.stride_enable, from,
                                Access::Read));
  TESSERA_ASSIGN(Side dst, side(m, "destination", isa::destinationAddress(f), d, size,
                                f.stride_enable, to, Access::Write));
  if (!dst.isLocal || dst.tensor.startLane + d.c > chip::kLanes)
    return fail(
        "bad-shape", "destination",
        fmt::format("channel broadcast to {} lanes needs them from one start lane on", d.c));
  forPlanes(d, [&](int64_t n, int64_t c) {
    if (writable(dst, c, laneMask(f)))
      for (int64_t h = 0; h < d.h; ++h)
        std::memmove(dst.at(n, c, h, 0), src.at(n, 0, h, 0), size_t(d.w * size));
  });
  return {};
}

} // namespace

Status gdmaTensor(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::DMA_tensor>(command);
  TESSERA_TRY(checkFormat(f));
  int64_t size = chip::bytesOf(Type(f.src_data_format));
  if (f.fill_constant_en)
    return f.cmd_special_function == kNone ? fill(m, f, size)
                                           : unsupported("fill with a special function");
  if (f.cmd_special_function == kChannelBroadcast)
    return broadcast(m, f, size);
  if (f.cmd_special_function != kNone && f.cmd_special_function != kNcTranspose)
    return unsupported(fmt::format("GDMA tensor special function {}", f.cmd_special_function));
  bool transposed = f.cmd_special_function == kNcTranspose;
  Dims s = sourceDims(f), d = f.nchw_copy ? s : destinationDims(f);
  if (transposed)
    d = {s.c, s.n, s.h, s.w};
  if (s.count() != d.count())
    return fail("bad-shape", "destination",
                fmt::format("{} elements from {}", d.count(), s.count()));
  TESSERA_ASSIGN(Side src, side(m, "source", isa::sourceAddress(f), s, size, f.stride_enable,
                                sourceStrides(f), Access::Read));
  TESSERA_ASSIGN(Side dst, side(m, "destination", isa::destinationAddress(f), d, size,
                                f.stride_enable, destinationStrides(f), Access::Write));
  bool same = s.n == d.n && s.c == d.c && s.h == d.h && s.w == d.w;
  if (transposed)
    forPlanes(d, [&](int64_t n, int64_t c) {
      if (writable(dst, c, laneMask(f)))
        for (int64_t h = 0; h < d.h; ++h)
          copyRow(dst.at(n, c, h, 0), size * dst.strides.w, src.at(c, n, h, 0),
                  size * src.strides.w, d.w, size);
    });
  else if (same)
    copySame(d, src, dst, laneMask(f));
  else
    copyReshaped(s, src, d, dst, laneMask(f));
  return {};
}

/// Source (n, c, h, w) to destination (n, w, h, c).
Status gdmaCwTranspose(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::DMA_cw_transpose>(command);
  TESSERA_TRY(checkFormat(f));
  if (f.cmd_special_function || f.fill_constant_en)
    return unsupported("a C/W transpose with a special function");
  int64_t size = chip::bytesOf(Type(f.src_data_format));
  Dims s = sourceDims(f), d{s.n, s.w, s.h, s.c};
  TESSERA_ASSIGN(Side src, side(m, "source", isa::sourceAddress(f), s, size, f.stride_enable,
                                sourceStrides(f), Access::Read));
  TESSERA_ASSIGN(Side dst, side(m, "destination", isa::destinationAddress(f), d, size,
                                f.stride_enable, destinationStrides(f), Access::Write));
  forPlanes(d, [&](int64_t n, int64_t c) {
    if (writable(dst, c, laneMask(f)))
      for (int64_t h = 0; h < d.h; ++h)
        for (int64_t w = 0; w < d.w; ++w)
          std::memcpy(dst.at(n, c, h, w), src.at(n, w, h, c), size_t(size));
  });
  return {};
}

} // namespace tessera::sim::exec
