#include "tessera/codegen/arg.h"

#include "tessera/codegen/arith.h"

namespace tessera::codegen {

Elementwise argOfTwoRecipe(bool smallest, bool lastIndex) {
  Elementwise e;
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
               const LocalTensor &out) {
    // First of equals: 1 only if the second strictly wins. Last: 0 only if the first strictly wins.
    bool secondFirst = smallest == lastIndex;
    list.push_back(arith(Arith::SelectGreater, out, tensorOperand(in[secondFirst ? 1 : 0]),
                         tensorOperand(in[secondFirst ? 0 : 1]), {.selected = 1}));
    if (lastIndex)
      list.push_back(arith(Arith::Xor, out, tensorOperand(out), immediateOperand(1, DType::U8)));
  };
  return e;
}

} // namespace tessera::codegen
