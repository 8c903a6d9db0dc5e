// DMA_nonzero: the positions of all elements that are not zero, counted in n, c, h, w order from
// dst_nstride on (docs/numerics.md "GDMA"). The source has no strides of its own.
#include "tessera/sim/exec/gdma_filter.h"

namespace tessera::sim::exec {
namespace {

template <class F> Status nonzero(Machine &m, const F &f, uint64_t base) {
  TESSERA_ASSIGN(int64_t size, elementBytes(f));
  if (f.cmd_special_function || f.fill_constant_en)
    return unsupported("nonzero with a special function or a fill");
  Type type = Type(f.src_data_format), index = Type(f.index_data_format);
  if (!isInteger(index))
    return unsupported(fmt::format("index type code {}", f.index_data_format));
  uint64_t to = isa::destinationAddress(f);
  // Checked by the source's type although indices are written.
  if (to % uint64_t(size))
    return fail(
        "bad-address", "destination",
        fmt::format("address 0x{:x} is no multiple of the source element's {} bytes", to, size));
  Dims d = sourceDims(f);
  TESSERA_ASSIGN(Side src,
                 side(m, "source", isa::sourceAddress(f), d, size, false, {}, Access::Read));
  uint32_t position;
  return filter(
      m, d, to, chip::bytesOf(index), {{src, d}},
      [&](int64_t n, int64_t c, int64_t h, int64_t w) { return !isZero(src.at(n, c, h, w), type); },
      [&](int64_t n, int64_t c, int64_t h, int64_t w) {
        position = uint32_t(base + uint64_t(((n * d.c + c) * d.h + h) * d.w + w));
        return &position;
      });
}

} // namespace

Status gdmaNonzero(Machine &m, const isa::Command &command) {
  if (command.form == isa::Form::DMA_nonzero) {
    auto f = isa::decode<isa::DMA_nonzero>(command);
    return nonzero(m, f, f.dst_nstride);
  }
  auto f = isa::decode<isa::sDMA_nonzero>(command);
  return nonzero(m, f, f.dst_nstride_base);
}

} // namespace tessera::sim::exec
