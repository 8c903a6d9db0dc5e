#include "tessera/codegen/sigmoid.h"

#include "tessera/codegen/arith.h"
#include "tessera/codegen/exponential.h"
#include "tessera/numerics/exponential.h"

namespace tessera::codegen {

Elementwise sigmoidRecipe() {
  Elementwise e;
  e.scratch = {DType::F32, DType::F32, DType::F32};
  e.table = powerTable();
  e.emit = [](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor> tmp,
              const LocalTensor &out) {
    exponential(list, tmp[0], in[0], nullptr, -numerics::kLog2E, tmp[1], tmp[2], tmp.back());
    list.push_back(arith(Arith::Add, tmp[0], tensorOperand(tmp[0]), immediateFloat(1)));
    list.push_back(reciprocal(out, tmp[0]));
  };
  return e;
}

} // namespace tessera::codegen
