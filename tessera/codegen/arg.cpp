#include "tessera/codegen/arg.h"

#include "tessera/codegen/arith.h"

#include <bit>

namespace tessera::codegen {

Elementwise argOfTwoRecipe(bool smallest, bool lastIndex) {
  Elementwise e;
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
               const LocalTensor &out) {
    // First of equals: 1 only if the second strictly wins. Last: 0 only if the first strictly wins.
    bool secondFirst = smallest == lastIndex;
    bool floats = out.dtype == DType::F32;
    list.push_back(arith(Arith::SelectGreater, out, tensorOperand(in[secondFirst ? 1 : 0]),
                         tensorOperand(in[secondFirst ? 0 : 1]),
                         {.selected = floats ? std::bit_cast<uint32_t>(1.0f) : 1}));
    if (lastIndex && floats)
      list.push_back(arith(Arith::Sub, out, immediateFloat(1), tensorOperand(out)));
    else if (lastIndex)
      list.push_back(arith(Arith::Xor, out, tensorOperand(out), immediateOperand(1, DType::U8)));
  };
  return e;
}

} // namespace tessera::codegen
