// DMA_tensor: copies of all kinds, fill, N/C transpose (bm1684x.md 3.13, docs/numerics.md "GDMA").
// Its broadcasts and 4-bank copies are in gdma_spread.cpp.
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/exec/gdma.h"

namespace tessera::sim::exec {
namespace {

enum Special : uint64_t {
  kNone = 0,
  kNcTranspose = 1,
  kCollect = 2,
  kChannelBroadcast = 3,
  kDistribute = 4,
  k4BankCopy = 5,
  k4BankBroadcast = 6
};

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

/// As copyReshaped, element after element.
void copyInOrder(Dims s, const Side &src, Dims d, const Side &dst, uint64_t mask) {
  int64_t sn = 0, sc = 0, sh = 0, sw = 0;
  inOrder(d, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    if (writable(dst, c, mask))
      std::memcpy(dst.at(n, c, h, w), src.at(sn, sc, sh, sw), size_t(src.size));
    if (++sw == s.w && (sw = 0, ++sh == s.h) && (sh = 0, ++sc == s.c))
      sc = 0, ++sn;
  });
}

/// A w stride of 0 in memory other than local: the vendor's simulator divides by it and dies.
Status checkColumns(const char *what, const Side &side) {
  if (!side.isLocal && side.strides.w == 0)
    return fail("bad-shape", what, "a w stride of 0 outside local memory",
                "0 is allowed for n, c and h, and for w in local memory");
  return {};
}

Status fill(Machine &m, const isa::DMA_tensor &f, int64_t size) {
  Dims d = destinationDims(f);
  TESSERA_ASSIGN(Side dst, side(m, "destination", isa::destinationAddress(f), d, size,
                                f.stride_enable, destinationStrides(f), Access::Write));
  TESSERA_TRY(checkColumns("destination", dst));
  auto plane = [&](int64_t n, int64_t c) {
    if (writable(dst, c, laneMask(f)))
      for (int64_t h = 0; h < d.h; ++h)
        for (int64_t w = 0; w < d.w; ++w)
          std::memcpy(dst.at(n, c, h, w), &f.constant_value, size_t(size));
  };
  if (!repeats(dst, d))
    forPlanes(d, plane);
  else
    for (int64_t i = 0; i < d.n * d.c; ++i)
      plane(i / d.c, i % d.c);
  return {};
}

/// Source (n, c) to destination (c, n). Rows are packed whatever the w strides say.
Status ncTranspose(Machine &m, const isa::DMA_tensor &f, int64_t size) {
  Dims s = sourceDims(f), d{s.c, s.n, s.h, s.w}, given = f.nchw_copy ? d : destinationDims(f);
  if (d.n != given.n || d.c != given.c || d.h != given.h || d.w != given.w)
    return fail("bad-shape", "destination",
                fmt::format("{}x{}x{}x{} is not {}x{}x{}x{} with n and c exchanged", given.n,
                            given.c, given.h, given.w, s.n, s.c, s.h, s.w));
  LocalLayout from = sourceStrides(f), to = destinationStrides(f);
  from.w = to.w = 1;
  TESSERA_ASSIGN(Side src, side(m, "source", isa::sourceAddress(f), s, size, f.stride_enable, from,
                                Access::Read));
  TESSERA_ASSIGN(Side dst, side(m, "destination", isa::destinationAddress(f), d, size,
                                f.stride_enable, to, Access::Write));
  uint64_t mask = laneMask(f);
  if (orderMatters(src, s, dst, d)) {
    inOrder(s, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
      if (writable(dst, n, mask))
        std::memcpy(dst.at(c, n, h, w), src.at(n, c, h, w), size_t(size));
    });
    return {};
  }
  forPlanes(d, [&](int64_t n, int64_t c) {
    if (writable(dst, c, mask))
      for (int64_t h = 0; h < d.h; ++h)
        std::memcpy(dst.at(n, c, h, 0), src.at(c, n, h, 0), size_t(d.w * size));
  });
  return {};
}

Status copy(Machine &m, const isa::DMA_tensor &f, int64_t size) {
  Dims s = sourceDims(f), d = f.nchw_copy ? s : destinationDims(f);
  if (s.count() != d.count())
    return fail("bad-shape", "destination",
                fmt::format("{} elements from {}", d.count(), s.count()));
  TESSERA_ASSIGN(Side src, side(m, "source", isa::sourceAddress(f), s, size, f.stride_enable,
                                sourceStrides(f), Access::Read));
  TESSERA_ASSIGN(Side dst, side(m, "destination", isa::destinationAddress(f), d, size,
                                f.stride_enable, destinationStrides(f), Access::Write));
  TESSERA_TRY(checkColumns("source", src));
  TESSERA_TRY(checkColumns("destination", dst));
  bool same = s.n == d.n && s.c == d.c && s.h == d.h && s.w == d.w;
  if (orderMatters(src, s, dst, d))
    copyInOrder(s, src, d, dst, laneMask(f));
  else if (same)
    copySame(d, src, dst, laneMask(f));
  else
    copyReshaped(s, src, d, dst, laneMask(f));
  return {};
}

} // namespace

Status gdmaTensor(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::DMA_tensor>(command);
  TESSERA_ASSIGN(int64_t size, elementBytes(f));
  if (f.fill_constant_en && f.cmd_special_function != kNone)
    return unsupported("fill with a special function");
  switch (f.cmd_special_function) {
  case kNone:
    return f.fill_constant_en ? fill(m, f, size) : copy(m, f, size);
  case kNcTranspose:
    return ncTranspose(m, f, size);
  case kCollect:
  case kDistribute:
    return cwTranspose(m, f, size);
  case kChannelBroadcast:
    return spread(m, f, size, true, 1);
  case k4BankCopy:
    return spread(m, f, size, false, 4);
  case k4BankBroadcast:
    return spread(m, f, size, true, 4);
  default:
    return unsupported(fmt::format("GDMA tensor special function {}", f.cmd_special_function));
  }
}

} // namespace tessera::sim::exec
