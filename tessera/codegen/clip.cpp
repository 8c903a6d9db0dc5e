#include "tessera/codegen/clip.h"

#include "tessera/codegen/arith.h"

namespace tessera::codegen {

Elementwise clipRecipe(double low, double high, DType type) {
  Elementwise e;
  e.emit = [lo = roundedOperand(float(low), type), hi = roundedOperand(float(high), type)](
               Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
               const LocalTensor &out) {
    list.push_back(arith(Arith::Max, out, tensorOperand(in[0]), lo));
    list.push_back(arith(Arith::Min, out, tensorOperand(out), hi));
  };
  return e;
}

} // namespace tessera::codegen
