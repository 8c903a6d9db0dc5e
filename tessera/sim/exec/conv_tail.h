#pragma once
// Private to sCONV: the commands behind a convolution that are done in its pass, while its sums are
// in the cache.
#include "tessera/sim/exec/conv_job.h"
#include "tessera/sim/kernels/elementwise.h"

namespace tessera::sim::exec {

/// Bias addition (sAR add_sat) and requantize (sRQ eu 1) of a convolution's int32 result.
struct ConvTail {
  size_t commands = 0;                         ///< 0: none, 1: bias or requantize, 2: both
  std::vector<int32_t> bias;                   ///< per output channel; empty: no addition
  Local sum;                                   ///< the addition's result
  std::vector<kernels::Requantize> requantize; ///< per output channel; empty: none
  Local out;
  bool overwritesInput = false; ///< or edges: all must be packed before the first result
};

/// Finds which of `next`, the commands behind the convolution, can be done with it: those whose
/// operands are such that memory ends as if each ran alone. The rest is left to itself, commands
/// with errors too.
ConvTail convTail(Machine &, const ConvJob &, std::span<const isa::Command *const> next);

} // namespace tessera::sim::exec
