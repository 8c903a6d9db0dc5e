#include "tessera/codegen/relu.h"

#include "tessera/codegen/arith.h"

namespace tessera::codegen {

Elementwise reluRecipe(DType input, DType result) {
  Elementwise e;
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
               const LocalTensor &out) {
    // max wants equal types; a saturating cast to an unsigned type is the same thing.
    if (input == result)
      list.push_back(arith(Arith::Max, out, tensorOperand(in[0]), immediateOperand(0, input)));
    else
      list.push_back(castTo(out, in[0], numerics::Rounding::HalfEven));
  };
  return e;
}

} // namespace tessera::codegen
