#include "tessera/codegen/arith.h"

#include "tessera/numerics/bfloat.h"
#include "tessera/numerics/half.h"

#include <bit>

namespace tessera::codegen {
namespace {

uint32_t lowBits(int64_t value, DType t) {
  int64_t bits = dtypeSize(t) * 8;
  return uint32_t(bits >= 32 ? uint64_t(value) & 0xFFFFFFFF
                             : uint64_t(value) & ((uint64_t(1) << bits) - 1));
}

void place(isa::sAR &f, isa::Operand which, const std::optional<isa::Strides> &s,
           uint64_t &layout) {
  if (!s)
    return;
  layout = 3;
  isa::setArStrides(f, which, *s);
}

} // namespace

ArithOperand tensorOperand(const LocalTensor &t) {
  if (t.repeated)
    return {false, t.address, t.dtype, isa::Strides{0, uint64_t(t.planeElements()), 0, 0},
            t.range()};
  return {false, t.address, t.dtype, std::nullopt, t.range()};
}
ArithOperand immediateOperand(int64_t value, DType dtype) {
  return {true, lowBits(value, dtype), dtype, std::nullopt, {}};
}
ArithOperand immediateFloat(float value) {
  return {true, std::bit_cast<uint32_t>(value), DType::F32, std::nullopt, {}};
}

ArithOperand roundedOperand(float value, DType type) {
  if (type == DType::F32)
    return immediateFloat(value);
  return immediateOperand(
      type == DType::F16 ? numerics::floatToHalf(value) : numerics::floatToBfloat(value), type);
}

Instruction arith(Arith op, const LocalTensor &result, const ArithOperand &a, const ArithOperand &b,
                  const ArithExtra &extra, std::optional<isa::Strides> strides) {
  isa::sAR f;
  f.tsk_eu_typ = uint64_t(op);
  f.tsk_opd_num = extra.shift || extra.selected ? 3 : 2;
  f.res0_prec = uint64_t(typeCode(result.dtype));
  f.opd0_prec = uint64_t(typeCode(a.dtype));
  f.opd1_prec = uint64_t(typeCode(b.dtype));
  if (op != Arith::Div) { // whose sign bits are 0 (bm1684x.md 3.6)
    f.opd0_sign = signBit(a.dtype);
    f.opd1_sign = signBit(b.dtype);
  }
  f.opd0_const = a.immediate;
  f.opd1_const = b.immediate;
  f.opd0_addr = a.value;
  f.opd1_addr = b.value;
  f.res0_n = 1;
  f.res0_c = uint64_t(result.c);
  f.res0_h = uint64_t(result.h);
  f.res0_w = uint64_t(result.w);
  f.res0_addr = result.address;
  place(f, isa::Operand::Res0, strides, f.res0_str);
  place(f, isa::Operand::Opd0, a.strides, f.opd0_str);
  place(f, isa::Operand::Opd1, b.strides, f.opd1_str);
  if (extra.shift) {
    f.opd2_const = 1;
    f.opd2_addr = lowBits(*extra.shift, DType::I8);
    f.opd2_n_str = uint64_t(extra.rounding);
  } else if (extra.selected) {
    f.opd2_const = 1;
    f.opd2_addr = *extra.selected;
    f.opd2_prec = f.res0_prec;
  } else if (extra.divisionSteps) {
    f.opd2_n_str = uint64_t(extra.divisionSteps - 1);
  }
  Instruction i{isa::command(f), {}, {result.range()}, {}, {}};
  for (const ArithOperand *o : {&a, &b})
    if (!o->immediate)
      i.reads.push_back(o->range);
  return i;
}

Elementwise pairRecipe(Arith op, const ArithExtra &extra) {
  Elementwise e;
  e.repeats = true;
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
               const LocalTensor &out) {
    list.push_back(arith(op, out, tensorOperand(in[0]), tensorOperand(in[1]), extra));
  };
  return e;
}

Instruction castTo(const LocalTensor &result, const LocalTensor &x, numerics::Rounding rounding) {
  isa::sAR f;
  f.tsk_eu_typ = uint64_t(Arith::Cast);
  f.tsk_opd_num = 1;
  f.res0_prec = uint64_t(typeCode(result.dtype));
  f.opd0_prec = uint64_t(typeCode(x.dtype));
  f.opd0_sign = signBit(x.dtype);
  f.opd2_sign = signBit(result.dtype);
  f.opd2_n_str = uint64_t(rounding);
  f.res0_n = 1;
  f.res0_c = uint64_t(result.c);
  f.res0_h = uint64_t(result.h);
  f.res0_w = uint64_t(result.w);
  f.res0_addr = result.address;
  f.opd0_addr = x.address;
  return {isa::command(f), {x.range()}, {result.range()}, {}, {}};
}

Instruction stridedCopy(DType dtype, const std::array<int64_t, 4> &size, uint32_t to,
                        const isa::Strides &toStrides, LaneRange toRange, uint32_t from,
                        const isa::Strides &fromStrides, LaneRange fromRange) {
  isa::sAR f;
  f.tsk_eu_typ = uint64_t(Arith::Copy);
  f.tsk_opd_num = 1;
  f.res0_prec = f.opd0_prec = uint64_t(typeCode(dtype));
  f.opd0_sign = signBit(dtype);
  f.res0_n = uint64_t(size[0]);
  f.res0_c = uint64_t(size[1]);
  f.res0_h = uint64_t(size[2]);
  f.res0_w = uint64_t(size[3]);
  f.res0_addr = to;
  f.opd0_addr = from;
  f.res0_str = f.opd0_str = 3;
  isa::setArStrides(f, isa::Operand::Res0, toStrides);
  isa::setArStrides(f, isa::Operand::Opd0, fromStrides);
  return {isa::command(f), {fromRange}, {toRange}, {}, {}};
}

namespace {

/// From the first element to the last: what a command with strides touches.
LaneRange extent(const LocalTensor &t) {
  int64_t last = (t.slots() - 1) * t.planeElements() + (t.h - 1) * t.rowPitch() + t.w;
  return {t.address, uint32_t(t.address + last * t.elementBytes())};
}

} // namespace

Instruction interleave(const LocalTensor &plane, int64_t stepY, int64_t stepX, int64_t row0,
                       int64_t column0, const LocalTensor &to) {
  return stridedCopy(to.dtype, {1, plane.c, plane.h, plane.w},
                     uint32_t(to.address + (row0 * to.w + column0) * to.elementBytes()),
                     {0, uint64_t(to.planeElements()), uint64_t(stepY * to.w), uint64_t(stepX)},
                     extent(to), plane.address,
                     {0, uint64_t(plane.planeElements()), uint64_t(plane.w), 1}, plane.range());
}

Instruction copyRows(const LocalTensor &from, const LocalTensor &to) {
  std::array<int64_t, 4> size{1, to.c, to.h, to.w};
  bool flat = to.rowPitch() == to.w && from.rowPitch() == from.w && to.h * to.w <= chip::kMaxDim;
  if (flat)
    size = {1, to.c, 1, to.h * to.w};
  auto strides = [&](const LocalTensor &t) {
    return isa::Strides{0, uint64_t(t.planeElements()), uint64_t(flat ? size[3] : t.rowPitch()), 1};
  };
  return stridedCopy(to.dtype, size, to.address, strides(to), extent(to), from.address,
                     strides(from), extent(from));
}

Instruction fillLocal(const LocalTensor &to, int64_t y0, int64_t y1, int64_t x0, int64_t x1,
                      int64_t value) {
  auto layout = chip::alignedLayout(0, 1, to.c, to.h, to.w, to.elementBytes());
  isa::sAR f;
  f.tsk_eu_typ = uint64_t(Arith::Copy);
  f.tsk_opd_num = 1;
  f.res0_prec = f.opd0_prec = uint64_t(typeCode(to.dtype));
  f.opd0_sign = signBit(to.dtype);
  f.opd0_const = 1;
  f.opd0_addr = immediateOperand(value, to.dtype).value;
  f.res0_n = 1;
  f.res0_c = uint64_t(to.c);
  f.res0_h = uint64_t(y1 - y0);
  f.res0_w = uint64_t(x1 - x0);
  f.res0_addr = uint32_t(to.address + (y0 * layout.h + x0) * to.elementBytes());
  f.res0_str = 3;
  isa::setArStrides(f, isa::Operand::Res0, isa::toStrides(layout));
  return {isa::command(f), {}, {to.range()}, {}, {}};
}

} // namespace tessera::codegen
