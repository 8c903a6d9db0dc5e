// DMA_masked_select: the elements whose mask is not zero, one behind the other
// (docs/numerics.md "GDMA"). Source and mask have the same sizes and no strides of their own; the
// special function says where the mask lies, which its address says as well.
#include "tessera/sim/exec/gdma_filter.h"

namespace tessera::sim::exec {
namespace {

template <class F> Status maskedSelect(Machine &m, const F &f) {
  TESSERA_ASSIGN(int64_t size, elementBytes(f));
  if (f.cmd_special_function > 1 || f.fill_constant_en)
    return unsupported("masked select with a special function or a fill");
  Type maskType = Type(f.mask_data_format);
  int64_t maskSize = chip::bytesOf(maskType);
  if (maskSize == 0)
    return unsupported(fmt::format("mask type code {}", f.mask_data_format));
  Dims d = sourceDims(f);
  TESSERA_ASSIGN(Side src,
                 side(m, "source", isa::sourceAddress(f), d, size, false, {}, Access::Read));
  uint64_t maskAddress = f.mask_start_addr_h8 << 32 | f.mask_start_addr_l32;
  TESSERA_ASSIGN(Side mask, wordSide(m, "mask", maskAddress, d, maskSize, false, {}));
  return filter(
      m, d, isa::destinationAddress(f), size, {{src, d}, {mask, {d.n, d.c, d.h, d.w * maskSize}}},
      [&](int64_t n, int64_t c, int64_t h, int64_t w) {
        return !isZero(mask.at(n, c, h, w * maskSize), maskType);
      },
      [&](int64_t n, int64_t c, int64_t h, int64_t w) { return src.at(n, c, h, w); });
}

} // namespace

Status gdmaMaskedSelect(Machine &m, const isa::Command &command) {
  return command.form == isa::Form::DMA_masked_select
             ? maskedSelect(m, isa::decode<isa::DMA_masked_select>(command))
             : maskedSelect(m, isa::decode<isa::sDMA_masked_select>(command));
}

} // namespace tessera::sim::exec
