#pragma once
// Commands for this room's tests.
#include "tessera/isa/isa.h"

namespace tessera::cycles {

/// A load of `c` channels of `w` elements to dense rows.
inline isa::Command loadCommand(uint64_t c, uint64_t w) {
  isa::DMA_tensor f;
  f.stride_enable = f.nchw_copy = 1;
  f.src_nsize = f.src_hsize = 1, f.src_csize = c, f.src_wsize = w;
  f.src_nstride = c * w, f.src_cstride = w, f.src_hstride = w, f.src_wstride = 1;
  f.dst_nstride = f.dst_cstride = f.dst_hstride = w, f.dst_wstride = 1;
  isa::setSourceAddress(f, chip::kGlobalBase);
  isa::setDestinationAddress(f, chip::kLmemBase);
  return isa::command(f);
}

} // namespace tessera::cycles
