#include "tessera/codegen/cast.h"

#include "tessera/codegen/arith.h"

#include <bit>

namespace tessera::codegen {

Elementwise quantizeRecipe(double scale, DType result) {
  Elementwise e;
  e.scratch = {DType::F32};
  float inverse = static_cast<float>(1.0 / scale);
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in,
               std::span<const LocalTensor> tmp, const LocalTensor &out) {
    list.push_back(arith(Arith::Mul, tmp[0], tensorOperand(in[0]), immediateFloat(inverse)));
    list.push_back(castTo(out, tmp[0], numerics::Rounding::HalfAway));
  };
  return e;
}

Elementwise dequantizeRecipe(double scale, DType input) {
  Elementwise e;
  float factor = static_cast<float>(scale);
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
               const LocalTensor &out) {
    isa::sRQDQ f;
    f.tsk_eu_typ = 3;
    f.opd0_sign = signBit(in[0].dtype);
    f.opd2_sign = 1;
    f.res0_prec = uint64_t(chip::Type::Fp32);
    f.opd0_prec = uint64_t(chip::Type::Int8);
    f.opd1_const = 1;
    f.opd1_addr = 0; // zero point
    f.opd2_addr = std::bit_cast<uint32_t>(factor);
    f.opd2_n_str = uint64_t(numerics::Rounding::HalfEven);
    f.res0_addr = out.address;
    f.opd0_addr = in[0].address;
    f.res0_n = 1;
    f.res0_c = uint64_t(out.c);
    f.res0_h = uint64_t(out.h);
    f.res0_w = uint64_t(out.w);
    list.push_back({isa::command(f), {in[0].range()}, {out.range()}, {}, {}});
  };
  return e;
}

Elementwise floatCastRecipe() {
  Elementwise e;
  e.emit = [](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
              const LocalTensor &out) {
    list.push_back(castTo(out, in[0], numerics::Rounding::HalfEven));
  };
  return e;
}

} // namespace tessera::codegen
