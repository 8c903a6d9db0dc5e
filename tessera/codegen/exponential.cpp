#include "tessera/codegen/exponential.h"

#include "tessera/codegen/arith.h"
#include "tessera/numerics/exponential.h"

#include <cstring>

namespace tessera::codegen {
namespace {

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

} // namespace

std::vector<uint8_t> powerTable() {
  std::vector<uint8_t> bytes(sizeof numerics::kPowerOfTwo);
  std::memcpy(bytes.data(), numerics::kPowerOfTwo, bytes.size());
  return bytes;
}

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

Instruction reciprocal(const LocalTensor &result, const LocalTensor &x) {
  return arith(Arith::Div, result, immediateFloat(1), tensorOperand(x),
               {.divisionSteps = numerics::kDivisionSteps});
}

} // namespace tessera::codegen
