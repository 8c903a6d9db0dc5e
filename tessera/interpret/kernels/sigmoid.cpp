#include "tessera/interpret/kernels/sigmoid.h"

#include "tessera/interpret/kernels/elementwise.h"

#include <cmath>

namespace tessera::interpret {

Tensor sigmoid(const Tensor &x) {
  return mapFloat(x, [](float v) { return 1.f / (1.f + std::exp(-v)); });
}

} // namespace tessera::interpret
