// The special functions of DMA_tensor that write each element more than once: channel broadcast
// (one channel to many lanes), 4-bank copy (each element to the same place of four eighths of a
// lane) and both together (docs/numerics.md "GDMA").
#include "tessera/sim/element.h"
#include "tessera/sim/exec/gdma.h"

namespace tessera::sim::exec {
namespace {

/// A 4-bank copy starts in the fifth eighth of the lane and goes to the three behind it as well.
constexpr int64_t kPieceBytes = chip::kLaneBytes / 8, kFirstPiece = 4 * kPieceBytes;

} // namespace

Status spread(Machine &m, const isa::DMA_tensor &f, int64_t size, bool broadcast, int pieces) {
  Dims s = sourceDims(f), d = f.nchw_copy ? s : destinationDims(f);
  int64_t lanes = 1;
  if (broadcast) {
    lanes = int64_t(f.dst_csize);
    s.c = d.c = 1;
  }
  if (s.count() != d.count())
    return fail("bad-shape", "destination",
                fmt::format("{} elements from {}", d.count(), s.count()));
  uint64_t to = isa::destinationAddress(f);
  int64_t start = chip::laneOf(to - chip::kLmemBase), offset = chip::offsetOf(to - chip::kLmemBase);
  if (chip::spaceOf(to) != chip::Space::Local)
    return fail("bad-address", "destination",
                fmt::format("0x{:x} is not in local memory, where alone a broadcast or a 4-bank "
                            "copy can go",
                            to));
  if (broadcast && (lanes < 1 || start + lanes > chip::kLanes))
    return fail("bad-shape", "destination",
                fmt::format("channel broadcast to {} lanes from lane {} on", lanes, start),
                "it needs all its lanes from the start lane to lane 63");
  if (pieces > 1 && (offset < kFirstPiece || offset >= kFirstPiece + kPieceBytes))
    return fail("bad-address", "destination",
                fmt::format("a 4-bank copy to offset 0x{:x} of a lane", offset),
                fmt::format("its first copy starts at 0x{:x} to 0x{:x}", kFirstPiece,
                            kFirstPiece + kPieceBytes - 1));
  // Rows are packed whatever the w strides say.
  LocalLayout fromStrides = sourceStrides(f), toStrides = destinationStrides(f);
  fromStrides.w = toStrides.w = 1;
  TESSERA_ASSIGN(Side src, side(m, "source", isa::sourceAddress(f), s, size, f.stride_enable,
                                fromStrides, Access::Read));
  Dims written{d.n, broadcast ? lanes : d.c, d.h, d.w};
  auto piece = [&](int i) {
    return side(m, "destination", to + uint64_t(i * kPieceBytes), written, size, f.stride_enable,
                toStrides, Access::Write);
  };
  // The last copy reaches farthest.
  TESSERA_TRY(piece(pieces - 1));
  TESSERA_ASSIGN(Side dst, piece(0));
  uint64_t mask = laneMask(f);
  // A broadcast does not skip the lanes that the mask leaves out. The start lane's bit decides
  // over the first element of each batch, for all lanes; then the last lane's bit over the others.
  auto allowed = [&](int64_t c, bool first) {
    if (!broadcast)
      return writable(dst, c, mask);
    return (mask >> start & 1) && (first || (mask >> (start + lanes - 1) & 1));
  };
  if (pieces == 1 && s.n == d.n && s.h == d.h && s.w == d.w &&
      allowed(0, true) == allowed(0, false) && !orderMatters(src, s, dst, written)) {
    if (allowed(0, true))
      forPlanes(written, [&](int64_t n, int64_t c) {
        for (int64_t h = 0; h < d.h; ++h)
          std::memcpy(dst.at(n, c, h, 0), src.at(n, 0, h, 0), size_t(d.w * size));
      });
    return {};
  }
  int64_t sn = 0, sc = 0, sh = 0, sw = 0;
  inOrder(d, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
    if (allowed(c, h == 0 && w == 0))
      for (int64_t lane = 0; lane < lanes; ++lane)
        for (int i = 0; i < pieces; ++i)
          std::memcpy(dst.at(n, c + lane, h, w) + i * kPieceBytes, src.at(sn, sc, sh, sw),
                      size_t(size));
    if (++sw == s.w && (sw = 0, ++sh == s.h) && (sh = 0, ++sc == s.c))
      sc = 0, ++sn;
  });
  return {};
}

} // namespace tessera::sim::exec
