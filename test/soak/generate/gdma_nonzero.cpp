// DMA_nonzero and its short form.
#include "test/soak/generate/gdma_filter.h"

namespace tessera::soak {
namespace {

template <class F> Case fillIn(Draw &d, F f, uint64_t F::*base) {
  Case out;
  auto type = drawType(d);
  int64_t size = chip::bytesOf(type);
  auto index = d.pick({chip::Type::Int8, chip::Type::Int16, chip::Type::Int32});
  f.src_data_format = uint64_t(type);
  f.index_data_format = uint64_t(index);
  f.stride_enable = d.chance(0.2); // there are none
  f.nchw_copy = d.chance(0.2);
  f.*base = d.chance(0.3) ? d.bits() & 0xFFFFFFFF : uint64_t(d.between(0, 300));
  Shape s = drawShape(d);
  Spot src = drawSpot(d, s, size, {.constant = true, .freeStrides = false, .batchRoom = true});
  sparse(d, src, s, size, out.patches);
  setSource(f, s);
  isa::setSourceAddress(f, src.address);
  isa::setDestinationAddress(f, drawResults(d, s.count(), 4, std::max(size, chip::bytesOf(index))));
  out.command = isa::command(f);
  return out;
}

Case nonzero(Draw &d) {
  return d.chance() ? fillIn(d, isa::DMA_nonzero{}, &isa::DMA_nonzero::dst_nstride)
                    : fillIn(d, isa::sDMA_nonzero{}, &isa::sDMA_nonzero::dst_nstride_base);
}

const Registered
    kNonzero({"gdma_nonzero", nonzero, {isa::Form::DMA_nonzero, isa::Form::sDMA_nonzero}});

} // namespace
} // namespace tessera::soak
