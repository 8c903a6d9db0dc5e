// DMA_masked_select and its short form.
#include "test/soak/generate/gdma_filter.h"

namespace tessera::soak {
namespace {

template <class F> Case fillIn(Draw &d, F f) {
  Case out;
  auto type = drawType(d), mask = drawType(d);
  int64_t size = chip::bytesOf(type), maskSize = chip::bytesOf(mask);
  f.src_data_format = uint64_t(type);
  f.mask_data_format = uint64_t(mask);
  f.cmd_special_function = d.chance(0.3);
  f.stride_enable = d.chance(0.2); // there are none
  f.nchw_copy = d.chance(0.2);
  Shape s = drawShape(d);
  Wanted wanted{.constant = true, .freeStrides = false, .batchRoom = true};
  Spot src = drawSpot(d, s, size, wanted), test = drawSpot(d, s, maskSize, wanted);
  sparse(d, test, s, maskSize, out.patches);
  setSource(f, s);
  if (d.chance(0.5))
    setDestination(f, {1, 1, 1, d.between(0, 9)}); // counts for nothing
  isa::setSourceAddress(f, src.address);
  f.mask_start_addr_l32 = test.address & 0xFFFFFFFF;
  f.mask_start_addr_h8 = test.address >> 32;
  isa::setDestinationAddress(f, drawResults(d, s.count(), size, size));
  out.command = isa::command(f);
  return out;
}

Case maskedSelect(Draw &d) {
  return d.chance() ? fillIn(d, isa::DMA_masked_select{}) : fillIn(d, isa::sDMA_masked_select{});
}

const Registered kMaskedSelect({"gdma_masked_select",
                                maskedSelect,
                                {isa::Form::DMA_masked_select, isa::Form::sDMA_masked_select}});

} // namespace
} // namespace tessera::soak
