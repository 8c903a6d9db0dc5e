// sAR, element-wise arithmetic (docs/numerics.md, "AR"): the short form's fields, and what every
// form's operations share. The operations lie in ar_int, ar_bits, ar_float, ar_cast.
#include "tessera/sim/exec/ar.h"

namespace tessera::sim::exec {

int operandsOf(Ar op) {
  switch (op) {
  case Ar::Not:
  case Ar::Cast:
  case Ar::Copy:
  case Ar::EuIndex:
  case Ar::LaneIndex:
  case Ar::Abs:
  case Ar::BatchCopy:
  case Ar::FirstOne:
  case Ar::FirstZero:
    return 1;
  case Ar::SelectGreater:
  case Ar::SelectEqual:
  case Ar::SelectLess:
    return 3;
  default:
    return 2;
  }
}

namespace {

Status copy(const Arithmetic &a) {
  if (a.res.bits() != a.a.bits() || (chip::isFloat(a.a.type) && a.a.type != a.res.type))
    return unsupported("a copy between element types");
  // A batch copy reads batch 0 for every batch.
  Operand x = a.x;
  if (a.op == Ar::BatchCopy)
    x.tensor.strides.n = 0;
  forRows<2>(a.d, {a.r, x}, [&](auto p, auto step, int64_t count) {
    auto typed = [&]<class T>(T) {
      if (step[0] == sizeof(T) && step[1] == sizeof(T)) {
        std::memmove(p[0], p[1], count * sizeof(T));
      } else if (step[0] == sizeof(T) && step[1] == 0) {
        T v = loadAs<T>(p[1]);
        for (int64_t i = 0; i < count; ++i)
          storeAs<T>(p[0] + i * int64_t(sizeof(T)), v);
      } else {
        for (int64_t i = 0; i < count; ++i)
          storeAs<T>(p[0] + i * step[0], loadAs<T>(p[1] + i * step[1]));
      }
    };
    switch (a.res.bits()) {
    case 8:
      return typed(uint8_t{});
    case 16:
      return typed(uint16_t{});
    default:
      return typed(uint32_t{});
    }
  });
  return {};
}

Status dispatch(const Arithmetic &a) {
  switch (a.op) {
  case Ar::Copy:
  case Ar::BatchCopy:
    return copy(a);
  case Ar::Cast:
    return arCast(a);
  case Ar::SelectGreater:
  case Ar::SelectEqual:
  case Ar::SelectLess:
    return arSelect(a);
  case Ar::Clamp:
    return unsupported("clamp: the vendor's simulator reads bounds that it never loaded, so no "
                       "rule is known");
  case Ar::EuIndex:
  case Ar::LaneIndex:
    return unsupported("an index as element-wise operation");
  default:
    break;
  }
  if (chip::isFloat(a.a.type))
    return arFloats(a);
  if (chip::isFloat(a.res.type) || (a.operands > 1 && chip::isFloat(a.b.type)))
    return unsupported("integers and floats in one operation");
  switch (a.op) {
  case Ar::Not:
  case Ar::And:
  case Ar::Or:
  case Ar::Xor:
  case Ar::LogicalShift:
  case Ar::ArithmeticShift:
  case Ar::Rotate:
  case Ar::Abs:
  case Ar::FirstOne:
  case Ar::FirstZero:
    return arBits(a);
  default:
    return arIntegers(a);
  }
}

} // namespace

Status run(Machine &m, Arithmetic &a) {
  if (uint64_t(a.op) > 30)
    return unsupported(fmt::format("operation {}", int(a.op)));
  if (a.operands < operandsOf(a.op))
    return fail("bad-operand", "tsk_opd_num",
                fmt::format("{} where this operation takes {}", a.operands, operandsOf(a.op)));
  a.old = a.r;
  if (a.op == Ar::Mac)
    detach(m, a.d, {&a.r}, {&a.old});
  detach(m, a.d, {&a.r}, {&a.x, &a.y, &a.shifts});
  return dispatch(a);
}

namespace {

Result<Operand> operand(Machine &m, const isa::sAR &f, Dims d, const char *what, uint64_t str,
                        uint64_t address, bool immediate, uint64_t type, isa::Operand which) {
  int64_t size = chip::bitsOf(type) / 8;
  if (size == 0)
    return unsupported(fmt::format("{}: element type code {}", what, type));
  if (immediate)
    return Operand::constant(uint32_t(address));
  LocalLayout layout;
  int64_t lane = chip::laneOf(address);
  switch (str) {
  case 0:
    layout = chip::alignedLayout(lane, d.n, d.c, d.h, d.w, size);
    break;
  case 1:
    layout = chip::compactLayout(lane, d.n, d.c, d.h, d.w);
    break;
  case 2:
    layout = chip::perChannelLayout();
    break;
  case 3: {
    isa::Strides s = isa::arStrides(f, which);
    layout = {int64_t(s.n), int64_t(s.c), int64_t(s.h), int64_t(s.w)};
    break;
  }
  default:
    return fail("bad-operand", what, fmt::format("layout code {} is not 0 to 3", str));
  }
  TESSERA_ASSIGN(Local t, local(m, what, address, d, size, layout));
  return Operand::of(t);
}

} // namespace

Status ar(Machine &m, const isa::Command &command) {
  auto f = isa::decode<isa::sAR>(command);
  Arithmetic a;
  a.op = Ar(f.tsk_eu_typ);
  a.operands = int(f.tsk_opd_num);
  a.d = {int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)};
  a.res = {Type(f.res0_prec), f.opd2_sign != 0};
  a.a = {Type(f.opd0_prec), f.opd0_sign != 0};
  a.b = {Type(f.opd1_prec), f.opd1_sign != 0};
  a.selected = Type(f.opd2_prec);
  a.opd2 = uint32_t(f.opd2_addr);
  a.code = uint32_t(f.opd2_n_str);
  TESSERA_ASSIGN(a.r, operand(m, f, a.d, "result", f.res0_str, f.res0_addr, false, f.res0_prec,
                              isa::Operand::Res0));
  TESSERA_ASSIGN(a.x, operand(m, f, a.d, "opd0", f.opd0_str, f.opd0_addr, f.opd0_const, f.opd0_prec,
                              isa::Operand::Opd0));
  a.y = a.shifts = Operand::constant(0);
  if (a.operands > 1 && operandsOf(a.op) > 1) {
    TESSERA_ASSIGN(a.y, operand(m, f, a.d, "opd1", f.opd1_str, f.opd1_addr, f.opd1_const,
                                f.opd1_prec, isa::Operand::Opd1));
  }
  if (a.operands == 3 && !f.opd2_const && (operandsOf(a.op) == 3 || a.op == Ar::Mac))
    return fail("bad-operand", "opd2", "a tensor where this operation takes an immediate",
                "set opd2_const");
  // Additions, subtractions and products read a tensor: the low byte of one element a channel,
  // compact.
  a.hasShifts = a.operands == 3 && !f.opd2_const && takesShift(a.op);
  if (a.hasShifts) {
    int64_t size = chip::bitsOf(f.opd2_prec) / 8;
    if (size == 0)
      return unsupported(fmt::format("opd2: element type code {}", f.opd2_prec));
    TESSERA_ASSIGN(Local t, local(m, "opd2", f.opd2_addr, a.d, size, chip::perChannelLayout()));
    a.shifts = Operand::of(t);
  }
  return run(m, a);
}

} // namespace tessera::sim::exec
