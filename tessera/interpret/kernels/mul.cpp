#include "tessera/interpret/kernels/mul.h"

#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/rounding.h"

namespace tessera::interpret {

Tensor mulInt(const Tensor &a, const Tensor &b, int32_t multiplier, int32_t rshift, DType out) {
  TESSERA_CHECK(a.shape() == b.shape(), "an integer product of equal shapes");
  TESSERA_CHECK(multiplier >= 0 && multiplier < 127 && rshift >= 0 && rshift < 32,
                "an 8-bit multiplier and a right shift");
  Tensor y(out, a.shape());
  by8BitType(a.dtype(), [&](auto left) {
    by8BitType(b.dtype(), [&](auto right) {
      by8BitType(out, [&](auto zero) {
        using T = decltype(zero);
        const auto *pa = a.as<decltype(left)>().data();
        const auto *pb = b.as<decltype(right)>().data();
        T *to = y.as<T>().data();
        forRange(y.count(), kElementGrain, [&](int64_t first, int64_t last) {
          for (int64_t i = first; i < last; ++i)
            to[i] = numerics::saturate<T>(numerics::shiftRight(int64_t(pa[i]) * pb[i] * multiplier,
                                                               rshift, numerics::Rounding::HalfUp));
        });
        return 0;
      });
      return 0;
    });
    return 0;
  });
  return y;
}

} // namespace tessera::interpret
