#include "tessera/codegen/sub.h"

#include "tessera/codegen/arith.h"

namespace tessera::codegen {

Elementwise subRecipe() {
  Elementwise e;
  e.repeats = true;
  e.emit = [](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
              const LocalTensor &out) {
    list.push_back(arith(Arith::Sub, out, tensorOperand(in[0]), tensorOperand(in[1])));
  };
  return e;
}

} // namespace tessera::codegen
