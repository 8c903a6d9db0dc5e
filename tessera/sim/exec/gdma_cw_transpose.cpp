// DMA_cw_transpose, and the tensor special functions collect and distribute, which do the same
// (docs/numerics.md "GDMA").
#include "tessera/sim/element.h"
#include "tessera/sim/exec/gdma.h"

namespace tessera::sim::exec {

template <class F> Status cwTranspose(Machine &m, const F &f, int64_t size) {
  // The destination's sizes follow from the source's; what the command says there counts for
  // nothing. Rows are packed whatever the w strides say.
  Dims s = sourceDims(f), d{s.n, s.w, s.h, s.c};
  LocalLayout from = sourceStrides(f), to = destinationStrides(f);
  from.w = to.w = 1;
  TESSERA_ASSIGN(Side src, side(m, "source", isa::sourceAddress(f), s, size, f.stride_enable, from,
                                Access::Read));
  TESSERA_ASSIGN(Side dst, side(m, "destination", isa::destinationAddress(f), d, size,
                                f.stride_enable, to, Access::Write));
  if (overlap(src, s, dst, d))
    return fail("bad-address", "destination",
                src.isLocal ? "overlaps the source within the lanes" : "overlaps the source",
                "a C/W transpose needs separate ranges, in local memory also in different lanes");
  uint64_t mask = laneMask(f);
  if (repeats(dst, d)) {
    inOrder(s, [&](int64_t n, int64_t c, int64_t h, int64_t w) {
      if (writable(dst, w, mask))
        std::memcpy(dst.at(n, w, h, c), src.at(n, c, h, w), size_t(size));
    });
    return {};
  }
  forPlanes(d, [&](int64_t n, int64_t c) {
    if (writable(dst, c, mask))
      for (int64_t h = 0; h < d.h; ++h)
        for (int64_t w = 0; w < d.w; ++w)
          std::memcpy(dst.at(n, c, h, w), src.at(n, w, h, c), size_t(size));
  });
  return {};
}
template Status cwTranspose(Machine &, const isa::DMA_tensor &, int64_t);

/// Source (n, c, h, w) to destination (n, w, h, c).
Status gdmaCwTranspose(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::DMA_cw_transpose>(command);
  TESSERA_ASSIGN(int64_t size, elementBytes(f));
  if (f.cmd_special_function || f.fill_constant_en)
    return unsupported("a C/W transpose with a special function or a fill");
  return cwTranspose(m, f, size);
}

} // namespace tessera::sim::exec
