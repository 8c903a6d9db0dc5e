#include "tessera/codegen/mul.h"

#include "tessera/codegen/arith.h"

namespace tessera::codegen {

Elementwise mulRecipe(int32_t multiplier, int32_t rshift, std::array<DType, 2> inputs,
                      DType result) {
  // Every product of two bytes fits 16 bits.
  bool isSigned = inputs[0] == DType::I8 || inputs[1] == DType::I8;
  bool viaInt16 = isSigned && result == DType::U8; // a signed operand makes the result signed
  Elementwise e;
  e.repeats = true;
  e.scratch = {isSigned ? DType::I16 : DType::U16};
  if (viaInt16)
    e.scratch.push_back(DType::I16);
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in,
               std::span<const LocalTensor> tmp, const LocalTensor &out) {
    list.push_back(arith(Arith::MulSat, tmp[0], tensorOperand(in[0]), tensorOperand(in[1])));
    auto factor = immediateOperand(multiplier, result == DType::U8 ? DType::U8 : DType::I8);
    list.push_back(arith(Arith::MulSat, viaInt16 ? tmp[1] : out, tensorOperand(tmp[0]), factor,
                         {.shift = -rshift}));
    if (viaInt16)
      list.push_back(castTo(out, tmp[1], numerics::Rounding::HalfEven));
  };
  return e;
}

Elementwise mulFloatRecipe() { return pairRecipe(Arith::Mul); }

} // namespace tessera::codegen
