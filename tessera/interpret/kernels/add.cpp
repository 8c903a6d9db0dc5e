#include "tessera/interpret/kernels/add.h"

#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/rounding.h"

#include <cstdlib>

namespace tessera::interpret {
namespace {

/// sat16(half_up(q * m, r)) of every stored byte, by its bit pattern.
std::array<int16_t, 256> sideTable(DType t, AddSide side) {
  TESSERA_CHECK(std::abs(side.multiplier) < 128 && side.rshift >= 0 && side.rshift < 64,
                "an 8-bit multiplier and a right shift");
  std::array<int16_t, 256> table;
  for (int b = 0; b < 256; ++b) {
    int64_t q = t == DType::I8 ? int8_t(b) : b;
    table[b] = numerics::saturate<int16_t>(
        numerics::shiftRight(q * side.multiplier, side.rshift, numerics::Rounding::HalfUp));
  }
  return table;
}

} // namespace

Tensor addInt(const Tensor &a, AddSide sideA, const Tensor &b, AddSide sideB, DType out) {
  TESSERA_CHECK(a.shape() == b.shape(), "an integer addition of equal shapes");
  TESSERA_CHECK(dtypeSize(a.dtype()) == 1 && dtypeSize(b.dtype()) == 1, "8-bit integer tensors");
  auto ta = sideTable(a.dtype(), sideA), tb = sideTable(b.dtype(), sideB);
  Tensor y(out, a.shape());
  const uint8_t *pa = a.bytes().data(), *pb = b.bytes().data();
  by8BitType(out, [&](auto zero) {
    using T = decltype(zero);
    T *to = y.as<T>().data();
    forRange(y.count(), kElementGrain, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i)
        to[i] = numerics::saturate<T>(int64_t(ta[pa[i]]) + tb[pb[i]]);
    });
    return 0;
  });
  return y;
}

} // namespace tessera::interpret
