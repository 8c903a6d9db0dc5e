#pragma once
// The convolution kernels of x86 hosts.
#include "tessera/sim/kernels/conv.h"

#include <vector>

namespace tessera::sim::kernels {

/// Those that this host can run, slowest first; `finish` may be null. Empty on other hosts.
std::vector<ConvKernel> x86Kernels();

} // namespace tessera::sim::kernels
