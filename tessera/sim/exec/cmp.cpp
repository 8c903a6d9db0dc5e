// sCMP, fused compare and select ("BM1684X measured numerics", sections 9 and 12).
#include "tessera/sim/exec/ar.h"

namespace tessera::sim::exec {
namespace {

enum Op : uint64_t { kMaxSelect = 22, kGreater = 23, kEqual = 24, kMinSelect = 25, kLess = 26 };

/// Layout 0 is aligned, 1 compact, 2 one value per channel, 3 one value per lane (free strides that
/// are all zero).
Result<Operand> operand(Machine &m, const char *what, uint64_t address, bool immediate,
                        uint64_t str, Dims d, int64_t size) {
  if (immediate)
    return Operand::constant(uint32_t(address));
  if (str > 3)
    return fail("bad-operand", what, fmt::format("layout code {} is not 0 to 3", str));
  int64_t lane = chip::laneOf(address);
  LocalLayout layout = str == 3   ? LocalLayout{}
                       : str == 2 ? chip::perChannelLayout()
                       : str == 1 ? chip::compactLayout(lane, d.n, d.c, d.h, d.w)
                                  : chip::alignedLayout(lane, d.n, d.c, d.h, d.w, size);
  TESSERA_ASSIGN(Local t, local(m, what, address, d, size, layout));
  return Operand::of(t);
}

/// Comparison of one pair. Floats: "equal" compares bit patterns, "less" is true with a NaN unless
/// the patterns are equal.
struct Compare {
  Type type;
  bool isSigned;
  uint64_t op;
  bool operator()(const uint8_t *a, const uint8_t *b) const {
    int64_t size = chip::bytesOf(type);
    if (chip::isFloat(type)) {
      float x, y;
      loadFloats(&x, a, 0, 1, type);
      loadFloats(&y, b, 0, 1, type);
      x = numerics::flush(x), y = numerics::flush(y);
      bool equal = std::memcmp(a, b, size_t(size)) == 0;
      return greater() ? x > y : op == kEqual ? equal : !(x >= y) && !equal;
    }
    int64_t x, y;
    loadInts(&x, a, 0, 1, 8 * size, isSigned);
    loadInts(&y, b, 0, 1, 8 * size, isSigned);
    return greater() ? x > y : op == kEqual ? x == y : x < y;
  }
  bool greater() const { return op == kMaxSelect || op == kGreater; }
};

} // namespace

Status cmp(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sCMP>(command);
  if (f.tsk_eu_typ < kMaxSelect || f.tsk_eu_typ > kLess)
    return unsupported(fmt::format("compare operation {}", f.tsk_eu_typ));
  Dims d{int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)};
  Type compared = Type(f.opd0_prec), selected = Type(f.opd2_prec);
  int64_t size = chip::bytesOf(compared), selectedSize = chip::bytesOf(selected);
  if (size == 0 || selectedSize == 0)
    return unsupported("element type of 4 bits");
  bool two = f.tsk_eu_typ == kMaxSelect || f.tsk_eu_typ == kMinSelect;
  TESSERA_ASSIGN(Operand a, operand(m, "opd0", f.opd0_addr, f.opd0_const, f.opd0_str, d, size));
  TESSERA_ASSIGN(Operand b, operand(m, "opd1", f.opd1_addr, f.opd1_const, f.opd1_str, d, size));
  TESSERA_ASSIGN(Operand yes, operand(m, "opd2", f.opd2_addr, f.opd2_const, 0, d, selectedSize));
  TESSERA_ASSIGN(Operand no, operand(m, "opd3", f.opd3_addr, f.opd3_const, 0, d, selectedSize));
  TESSERA_ASSIGN(Operand r0,
                 operand(m, "result", f.res0_addr, false, 0, d, two ? size : selectedSize));
  Operand r1 = r0;
  if (two) {
    TESSERA_ASSIGN(r1, operand(m, "second result", f.res1_addr, false, 0, d, selectedSize));
  }
  detach(m, d, {&r0, &r1}, {&a, &b, &yes, &no});
  Compare holds{compared, f.opd0_sign != 0, f.tsk_eu_typ};
  bool isMin = f.tsk_eu_typ == kMinSelect, isFloat = chip::isFloat(compared);
  auto pass = [&](bool first, bool second) {
    forRows<6>(d, {r0, r1, a, b, yes, no}, [&](auto p, auto step, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        const uint8_t *x = p[2] + i * step[2], *y = p[3] + i * step[3];
        bool condition = holds(x, y);
        uint32_t chosen = 0;
        std::memcpy(&chosen, condition ? p[4] + i * step[4] : p[5] + i * step[5],
                    size_t(selectedSize));
        if (first && isFloat)
          storeExtreme(p[0] + i * step[0], x, y, !isMin, compared);
        else if (first)
          std::memcpy(p[0] + i * step[0], condition ? x : y, size_t(size));
        if (second)
          std::memcpy(p[1] + i * step[1], &chosen, size_t(selectedSize));
      }
    });
  };
  if (two && overlap(r0.tensor, r1.tensor)) { // the second result stays, from copied operands
    detach(m, {&r0.tensor, &r1.tensor}, {&a.tensor, &b.tensor, &yes.tensor, &no.tensor});
    pass(true, false);
    pass(false, true);
  } else {
    pass(two, true);
  }
  return {};
}

} // namespace tessera::sim::exec
