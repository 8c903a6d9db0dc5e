#include "tessera/codegen/add.h"

#include "tessera/codegen/arith.h"

namespace tessera::codegen {

Elementwise addRecipe(std::array<int32_t, 2> m, std::array<int32_t, 2> r, DType result) {
  Elementwise e;
  e.repeats = true;
  e.scratch = {DType::I16, DType::I16};
  if (result == DType::U8)
    e.scratch.push_back(DType::I16);
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in,
               std::span<const LocalTensor> tmp, const LocalTensor &out) {
    // The multiplier is written signed so that the scaled value saturates as int16 for u8 inputs
    // too.
    for (int i = 0; i < 2; ++i)
      list.push_back(arith(Arith::MulSat, tmp[i], tensorOperand(in[i]),
                           immediateOperand(m[i], DType::I8), {.shift = -r[i]}));
    if (result == DType::I8) {
      list.push_back(arith(Arith::AddSat, out, tensorOperand(tmp[0]), tensorOperand(tmp[1])));
      return;
    }
    list.push_back(arith(Arith::AddSat, tmp[2], tensorOperand(tmp[0]), tensorOperand(tmp[1])));
    list.push_back(castTo(out, tmp[2], numerics::Rounding::HalfEven));
  };
  return e;
}

Elementwise addFloatRecipe(bool relu) {
  Elementwise e;
  e.repeats = true;
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
               const LocalTensor &out) {
    list.push_back(arith(Arith::Add, out, tensorOperand(in[0]), tensorOperand(in[1])));
    if (relu)
      list.push_back(arith(Arith::Max, out, tensorOperand(out), immediateOperand(0, out.dtype)));
  };
  return e;
}

} // namespace tessera::codegen
