#include "tessera/codegen/softmax.h"

#include "tessera/codegen/arith.h"
#include "tessera/codegen/exponential.h"
#include "tessera/numerics/exponential.h"

#include <bit>

namespace tessera::codegen {

Elementwise softmaxRecipe(size_t which) {
  Elementwise e;
  e.scratch = {DType::F32, DType::F32, DType::F32, DType::F32};
  e.table = powerTable();
  e.emit = [which](Instructions &list, std::span<const LocalTensor> in,
                   std::span<const LocalTensor> tmp, const LocalTensor &out) {
    // 1 / (1 + sum of e^(other - this)): no maximum is needed, an exponent beyond the range is cut.
    bool first = true;
    if (in.size() == 1)
      list.push_back(fillLocal(tmp[3], 0, tmp[3].h, 0, tmp[3].w, std::bit_cast<uint32_t>(1.0f)));
    for (size_t i = 0; i < in.size(); ++i) {
      if (i == which)
        continue;
      exponential(list, tmp[0], in[i], &in[which], numerics::kLog2E, tmp[1], tmp[2], tmp.back());
      list.push_back(arith(Arith::Add, tmp[3], tensorOperand(tmp[0]),
                           first ? immediateFloat(1) : tensorOperand(tmp[3])));
      first = false;
    }
    list.push_back(reciprocal(out, tmp[3]));
  };
  return e;
}

} // namespace tessera::codegen
