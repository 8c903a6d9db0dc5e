#include "tessera/codegen/mul_shift.h"

#include "tessera/codegen/arith.h"

namespace tessera::codegen {

Elementwise mulShiftRecipe(int32_t multiplier, int32_t rshift, DType input, DType result) {
  Elementwise e;
  // A result is signed if either operand is (measured numerics 5.1): the sign of the multiplier's
  // type picks it for u8 inputs; i8 to u8 needs a saturating cast behind.
  bool viaInt16 = input == DType::I8 && result == DType::U8;
  if (viaInt16)
    e.scratch = {DType::I16};
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in,
               std::span<const LocalTensor> tmp, const LocalTensor &out) {
    auto factor = immediateOperand(multiplier, result == DType::U8 ? DType::U8 : DType::I8);
    const LocalTensor &product = viaInt16 ? tmp[0] : out;
    list.push_back(arith(Arith::MulSat, product, tensorOperand(in[0]), factor, {.shift = -rshift}));
    if (viaInt16)
      list.push_back(castTo(out, tmp[0], numerics::Rounding::HalfEven));
  };
  return e;
}

} // namespace tessera::codegen
