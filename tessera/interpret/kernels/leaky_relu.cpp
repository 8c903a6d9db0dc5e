#include "tessera/interpret/kernels/leaky_relu.h"

#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/rounding.h"

namespace tessera::interpret {

Tensor leakyRelu(const Tensor &x, double alpha) {
  return mapFloat(x, [a = float(alpha)](float v) { return v < 0 ? a * v : v; });
}

Tensor leakyReluInt(const Tensor &x, int32_t multiplier, int32_t rshift) {
  TESSERA_CHECK(rshift >= 0 && rshift < 64, "a right shift");
  return by8BitType(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    return mapElements<T, T>(x, x.dtype(), [=](T q) {
      return q < 0 ? numerics::saturate<T>(numerics::shiftRight(int64_t(q) * multiplier, rshift,
                                                                numerics::Rounding::HalfUp))
                   : q;
    });
  });
}

} // namespace tessera::interpret
