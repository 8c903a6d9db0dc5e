// sAR: element-wise arithmetic.
#include "test/soak/generate/elementwise.h"

namespace tessera::soak {
namespace {

Case ar(Draw &d) {
  Mix m = drawMix(d);
  Shape s = drawShape(d);
  Operands o = drawOperands(d, s, m);
  isa::sAR f;
  f.tsk_eu_typ = m.op;
  f.tsk_opd_num = m.operands;
  f.res0_prec = uint64_t(m.res), f.opd0_prec = uint64_t(m.a), f.opd1_prec = uint64_t(m.b);
  f.opd2_prec = uint64_t(m.c);
  f.opd0_sign = m.signA, f.opd1_sign = m.signB, f.opd2_sign = m.signC;
  f.opd2_n_str = m.code;
  f.res0_n = uint64_t(s.n), f.res0_c = uint64_t(s.c);
  f.res0_h = uint64_t(s.h), f.res0_w = uint64_t(s.w);
  f.res0_str = o.r.code, f.opd0_str = o.x.code, f.opd1_str = o.y.code;
  f.res0_addr = o.r.address, f.opd0_addr = o.x.address, f.opd1_addr = o.y.address;
  f.opd0_const = o.xConst, f.opd1_const = o.yConst, f.opd2_const = o.zConst;
  f.opd2_addr = o.opd2;
  isa::setArStrides(f, isa::Operand::Res0, isa::toStrides(o.r.layout));
  isa::setArStrides(f, isa::Operand::Opd0, isa::toStrides(o.x.layout));
  isa::setArStrides(f, isa::Operand::Opd1, isa::toStrides(o.y.layout));
  return {either(d, isa::command(f)), std::move(o.patches), {}};
}

const Registered kAr({"ar", ar, {isa::Form::sAR, isa::Form::TIU_long}});

} // namespace
} // namespace tessera::soak
