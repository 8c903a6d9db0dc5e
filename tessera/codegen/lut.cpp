#include "tessera/codegen/lut.h"

namespace tessera::codegen {

Elementwise lutRecipe(std::vector<uint8_t> table) {
  TESSERA_CHECK(table.size() == 256, "a table of 8-bit values");
  Elementwise e;
  e.table = std::move(table);
  e.emit = [](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor> tmp,
              const LocalTensor &out) {
    constexpr uint64_t kGather = 5, kSharedTable = 4;
    const LocalTensor &table = tmp.back();
    isa::sSG f;
    f.tsk_eu_typ = kGather;
    f.res0_prec = f.opd0_prec = f.opd1_prec = uint64_t(chip::Type::Int8);
    f.opd0_str = kSharedTable;
    f.res0_n = 1;
    f.res0_c = f.opd1_c = uint64_t(out.c);
    f.res0_h = f.opd0_h = 1;
    f.res0_w = f.opd1_w = uint64_t(out.h * out.w);
    f.opd0_w = 256;
    f.res0_addr = out.address;
    f.opd0_addr = table.address;
    f.opd1_addr = in[0].address;
    list.push_back({isa::command(f), {in[0].range(), table.range()}, {out.range()}, {}, {}});
  };
  return e;
}

} // namespace tessera::codegen
