#include "tessera/interpret/kernels/clip.h"

#include "tessera/interpret/kernels/elementwise.h"

namespace tessera::interpret {

Tensor clip(const Tensor &x, double lo, double hi) {
  return mapFloat(x, [lo = float(lo), hi = float(hi)](float v) {
    v = v < lo ? lo : v;
    return v > hi ? hi : v;
  });
}

} // namespace tessera::interpret
