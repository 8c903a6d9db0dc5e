#include "tessera/interpret/kernels/mul_shift.h"

#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/rounding.h"

namespace tessera::interpret {

Tensor mulShift(const Tensor &x, int32_t multiplier, int32_t rshift, DType out) {
  TESSERA_CHECK(multiplier >= 0 && multiplier < 127 && rshift >= 0 && rshift < 32,
                "an 8-bit multiplier and a right shift");
  return by8BitType(x.dtype(), [&](auto in) {
    return by8BitType(out, [&](auto zero) {
      using T = decltype(zero);
      return mapElements<T, decltype(in)>(x, out, [=](auto q) {
        return numerics::saturate<T>(
            numerics::shiftRight(int64_t(q) * multiplier, rshift, numerics::Rounding::HalfUp));
      });
    });
  });
}

} // namespace tessera::interpret
