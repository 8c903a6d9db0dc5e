#include "tessera/codegen/div.h"

#include "tessera/codegen/arith.h"
#include "tessera/numerics/exponential.h"

namespace tessera::codegen {

Elementwise divRecipe() {
  Elementwise e;
  e.repeats = true;
  e.emit = [](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
              const LocalTensor &out) {
    list.push_back(arith(Arith::Div, out, tensorOperand(in[0]), tensorOperand(in[1]),
                         {.divisionSteps = numerics::kDivisionSteps}));
  };
  return e;
}

} // namespace tessera::codegen
