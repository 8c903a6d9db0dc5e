#include "tessera/interpret/kernels/relu.h"

#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/rounding.h"

namespace tessera::interpret {

Tensor relu(const Tensor &x) {
  if (x.dtype() == DType::F32)
    return mapFloat(x, [](float v) { return v < 0 ? 0.f : v; });
  return reluInt(x, x.dtype());
}

Tensor reluInt(const Tensor &x, DType out) {
  return by8BitType(x.dtype(), [&](auto in) {
    return by8BitType(out, [&](auto zero) {
      using T = decltype(zero);
      return mapElements<T, decltype(in)>(
          x, out, [](auto q) { return q < 0 ? T(0) : numerics::saturate<T>(q); });
    });
  });
}

} // namespace tessera::interpret
