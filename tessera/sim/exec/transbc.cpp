// sTRANSBC: transposes and broadcasts between lanes (bm1684x.md 3.9; layouts: docs/numerics.md).
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/local.h"

namespace tessera::sim::exec {
namespace {

enum Op : uint64_t {
  kCwTranspose,
  kWcTranspose,
  kLaneCopy,
  kLaneBroadcast,
  kStaticBroadcast,
  kStaticDistribute
};

/// Copies h*w elements of each (n, c) plane; `from` gives the source plane.
template <class From> void copyPlanes(Dims d, const Local &res, From from) {
  int64_t bytes = d.h * d.w * res.size;
  forLanes(d.c, d.count(), [&](int64_t first) {
    for (int64_t n = 0; n < d.n; ++n)
      for (int64_t c = first; c < d.c; c += chip::kLanes)
        std::memmove(res.plane(n, c), from(n, c), bytes);
  });
}

/// Channels and columns change places. The source is (n, w, h, c) of the result's sizes; a CW
/// transpose writes rows that start on 64-byte units.
Status transpose(Machine &m, const isa::sTRANSBC &f, Dims d, int64_t size) {
  Dims s{d.n, d.w, d.h, d.c};
  int64_t lane = chip::laneOf(f.res0_addr);
  TESSERA_ASSIGN(Local src, alignedLocal(m, "opd0", f.opd0_addr, s, size));
  TESSERA_ASSIGN(Local res, local(m, "result", f.res0_addr, d, size,
                                  f.tsk_eu_typ == kCwTranspose
                                      ? chip::rowAlignedLayout(lane, d.n, d.c, d.h, d.w, size)
                                      : chip::alignedLayout(lane, d.n, d.c, d.h, d.w, size)));
  detach(m, {&res}, {&src});
  auto typed = [&]<class T>(T) {
    forLanes(d.c, d.count(), [&](int64_t first) {
      for (int64_t n = 0; n < d.n; ++n)
        for (int64_t c = first; c < d.c; c += chip::kLanes)
          for (int64_t h = 0; h < d.h; ++h)
            for (int64_t w = 0; w < d.w; ++w)
              *res.at<T>(n, c, h, w) = *src.at<T>(n, w, h, c);
    });
  };
  res.size == 1 ? typed(uint8_t{}) : res.size == 2 ? typed(uint16_t{}) : typed(uint32_t{});
  return {};
}

} // namespace

Status transbc(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sTRANSBC>(command);
  Dims d{int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)};
  int64_t size = chip::bytesOf(Type(f.res0_prec));
  if (size == 0)
    return unsupported("element type of 4 bits");
  switch (f.tsk_eu_typ) {
  case kCwTranspose:
  case kWcTranspose:
    return transpose(m, f, d, size);
  case kLaneCopy:
  case kLaneBroadcast: {
    bool broadcast = f.tsk_eu_typ == kLaneBroadcast;
    Dims s = d;
    s.c = broadcast ? 1 : d.c;
    TESSERA_ASSIGN(Local res, alignedLocal(m, "result", f.res0_addr, d, size));
    TESSERA_ASSIGN(Local src, alignedLocal(m, "opd0", f.opd0_addr, s, size));
    detach(m, {&res}, {&src});
    copyPlanes(d, res, [&](int64_t n, int64_t c) { return src.plane(n, broadcast ? 0 : c); });
    return {};
  }
  case kStaticBroadcast:
  case kStaticDistribute: {
    // Broadcast: every channel gets the same row. Distribute: channel c gets the c-th element,
    // without gaps. Batches and rows beyond the first stay.
    bool distribute = f.tsk_eu_typ == kStaticDistribute;
    d.n = d.h = 1;
    if (distribute)
      d.w = 1;
    if (chip::spaceOf(f.opd0_addr) != chip::Space::Static)
      return fail("bad-address", "opd0",
                  fmt::format("0x{:x} lies outside static memory", f.opd0_addr),
                  fmt::format("the table's address is 0x{:x} plus its offset", chip::kStaticBase));
    TESSERA_ASSIGN(Local res, distribute ? compactLocal(m, "result", f.res0_addr, d, size)
                                         : alignedLocal(m, "result", f.res0_addr, d, size));
    TESSERA_ASSIGN(const uint8_t *src,
                   m.bytes(f.opd0_addr, uint64_t(size * (distribute ? d.c : d.w))));
    copyPlanes(d, res, [&](int64_t, int64_t c) { return src + (distribute ? c * size : 0); });
    return {};
  }
  default:
    return unsupported(fmt::format("transpose or broadcast operation {}", f.tsk_eu_typ));
  }
}

} // namespace tessera::sim::exec
