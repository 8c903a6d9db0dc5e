#include "tessera/codegen/where.h"

namespace tessera::codegen {

Elementwise whereRecipe() {
  Elementwise e;
  e.emit = [](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
              const LocalTensor &out) {
    isa::sCMP f;
    f.tsk_eu_typ = 23; // select-greater
    f.opd0_prec = f.opd2_prec = uint64_t(typeCode(out.dtype));
    f.opd0_sign = signBit(out.dtype);
    f.opd1_const = 1; // 0
    f.res0_n = 1;
    f.res0_c = uint64_t(out.c);
    f.res0_h = uint64_t(out.h);
    f.res0_w = uint64_t(out.w);
    f.res0_addr = out.address;
    f.opd0_addr = in[0].address;
    f.opd2_addr = in[1].address;
    f.opd3_addr = in[2].address;
    list.push_back(
        {isa::command(f), {in[0].range(), in[1].range(), in[2].range()}, {out.range()}, {}, {}});
  };
  return e;
}

} // namespace tessera::codegen
