#include "tessera/codegen/sub.h"

#include "tessera/codegen/arith.h"

namespace tessera::codegen {

Elementwise subRecipe() { return pairRecipe(Arith::Sub); }

} // namespace tessera::codegen
