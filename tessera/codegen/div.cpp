#include "tessera/codegen/div.h"

#include "tessera/codegen/arith.h"
#include "tessera/numerics/exponential.h"

namespace tessera::codegen {

Elementwise divRecipe() {
  return pairRecipe(Arith::Div, {.divisionSteps = numerics::kDivisionSteps});
}

} // namespace tessera::codegen
