#include "tessera/codegen/leaky_relu.h"

#include "tessera/codegen/arith.h"

namespace tessera::codegen {

Elementwise leakyReluRecipe(int32_t multiplier, int32_t rshift, DType type) {
  Elementwise e;
  if (type == DType::I8)
    e.scratch = {DType::I8, DType::I8, DType::I8};
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in,
               std::span<const LocalTensor> tmp, const LocalTensor &out) {
    auto zero = immediateOperand(0, type);
    if (type == DType::U8) { // never negative: the same values
      list.push_back(arith(Arith::Max, out, tensorOperand(in[0]), zero));
      return;
    }
    // The negative part alone is scaled, so that the two parts never meet in one element.
    list.push_back(arith(Arith::Min, tmp[0], tensorOperand(in[0]), zero));
    list.push_back(arith(Arith::MulSat, tmp[1], tensorOperand(tmp[0]),
                         immediateOperand(multiplier, DType::I16), {.shift = -rshift}));
    list.push_back(arith(Arith::Max, tmp[2], tensorOperand(in[0]), zero));
    list.push_back(arith(Arith::AddSat, out, tensorOperand(tmp[1]), tensorOperand(tmp[2])));
  };
  return e;
}

Elementwise leakyReluFloatRecipe(double alpha, DType type) {
  Elementwise e;
  e.scratch = {type};
  e.emit = [factor = roundedOperand(float(alpha), type)](
               Instructions &list, std::span<const LocalTensor> in,
               std::span<const LocalTensor> tmp, const LocalTensor &out) {
    list.push_back(arith(Arith::Mul, tmp[0], tensorOperand(in[0]), factor));
    list.push_back(arith(Arith::Max, out, tensorOperand(tmp[0]), tensorOperand(in[0])));
  };
  return e;
}

} // namespace tessera::codegen
