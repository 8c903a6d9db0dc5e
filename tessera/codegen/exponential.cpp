#include "tessera/codegen/exponential.h"

#include "tessera/codegen/arith.h"
#include "tessera/numerics/exponential.h"

#include <bit>
#include <cstring>

namespace tessera::codegen {
namespace {

using Locals = std::span<const LocalTensor>;

/// Coefficients of 2^f, one row a lane.
std::vector<uint8_t> coefficients() {
  std::vector<uint8_t> bytes(sizeof numerics::kPowerOfTwo);
  std::memcpy(bytes.data(), numerics::kPowerOfTwo, bytes.size());
  return bytes;
}

Instruction taylor(const LocalTensor &result, const LocalTensor &x, const LocalTensor &table) {
  isa::sSFU f;
  f.tsk_eu_typ = 13;
  f.res0_prec = f.opd0_prec = uint64_t(chip::Type::Fp32);
  f.opd2_n_str = 1;
  f.res0_n = 1;
  f.res0_c = uint64_t(result.c);
  f.res0_h = uint64_t(result.h);
  f.res0_w = uint64_t(result.w);
  f.opd1_n = uint64_t(std::size(numerics::kPowerOfTwo));
  f.res0_addr = result.address;
  f.opd0_addr = x.address;
  f.opd1_addr = table.address;
  return {isa::command(f), {x.range(), table.range()}, {result.range()}, {}, {}};
}

/// result = e^(sign * (x - y)), or e^(sign * x) without y; `t` and `k` are F32 scratch.
void exponential(Instructions &list, const LocalTensor &result, const LocalTensor &x,
                 const LocalTensor *y, float factor, const LocalTensor &t, const LocalTensor &k,
                 const LocalTensor &table) {
  using enum Arith;
  auto f32 = immediateFloat;
  auto in = tensorOperand;
  if (y)
    list.push_back(arith(Sub, t, in(x), in(*y)));
  list.push_back(arith(Mul, t, in(y ? t : x), f32(factor)));
  list.push_back(arith(Min, t, in(t), f32(numerics::kHighestPower)));
  list.push_back(arith(Max, t, f32(numerics::kLowestPower), in(t)));
  // Adding and taking away a large number leaves the nearest whole one.
  list.push_back(arith(Add, k, in(t), f32(numerics::kRounder)));
  list.push_back(arith(Sub, k, in(k), f32(numerics::kRounder)));
  list.push_back(arith(Sub, t, in(t), in(k)));
  list.push_back(taylor(result, t, table));
  // 2^k is the float whose bits are (k + 127) * 2^23.
  list.push_back(arith(Mul, k, in(k), f32(0x1p23f)));
  list.push_back(arith(Add, k, in(k), f32(127 * 0x1p23f)));
  LocalTensor bits = t;
  bits.dtype = DType::I32;
  list.push_back(castTo(bits, k, numerics::Rounding::HalfEven));
  list.push_back(arith(Mul, result, in(result), in(t)));
}

/// result = 1 / x.
Instruction reciprocal(const LocalTensor &result, const LocalTensor &x) {
  isa::sAR f;
  f.tsk_eu_typ = 12;
  f.tsk_opd_num = 2;
  f.res0_prec = f.opd0_prec = f.opd1_prec = uint64_t(chip::Type::Fp32);
  f.opd0_const = 1;
  f.opd0_addr = std::bit_cast<uint32_t>(1.0f);
  f.opd1_addr = x.address;
  f.opd2_n_str = numerics::kDivisionSteps - 1;
  f.res0_n = 1;
  f.res0_c = uint64_t(result.c);
  f.res0_h = uint64_t(result.h);
  f.res0_w = uint64_t(result.w);
  f.res0_addr = result.address;
  return {isa::command(f), {x.range()}, {result.range()}, {}, {}};
}

} // namespace

Elementwise sigmoidRecipe() {
  Elementwise e;
  e.scratch = {DType::F32, DType::F32, DType::F32};
  e.table = coefficients();
  e.emit = [](Instructions &list, Locals in, Locals tmp, const LocalTensor &out) {
    exponential(list, tmp[0], in[0], nullptr, -numerics::kLog2E, tmp[1], tmp[2], tmp.back());
    list.push_back(arith(Arith::Add, tmp[0], tensorOperand(tmp[0]), immediateFloat(1)));
    list.push_back(reciprocal(out, tmp[0]));
  };
  return e;
}

Elementwise softmaxRecipe(size_t which) {
  Elementwise e;
  e.scratch = {DType::F32, DType::F32, DType::F32, DType::F32};
  e.table = coefficients();
  e.emit = [which](Instructions &list, Locals in, Locals tmp, const LocalTensor &out) {
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
