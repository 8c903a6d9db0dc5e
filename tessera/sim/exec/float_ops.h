#pragma once
// Float arithmetic of element-wise instructions, pooling and polynomials (docs/numerics.md, "AR"):
// halves compute in fp32 and round every operation's result.
#include "tessera/numerics/bfloat.h"
#include "tessera/sim/element.h"

#include <functional>

namespace tessera::sim::exec {

using chip::Type;

/// A result of float arithmetic in the bits of its type; NaN results of halves are all 0x7FFF.
inline uint16_t halfResult(float v, Type type) {
  return v != v               ? uint16_t(0x7FFF)
         : type == Type::Fp16 ? numerics::floatToHalf(v)
                              : numerics::resultToBfloat(v);
}
inline void storeResult(uint8_t *p, float v, Type type) {
  if (type == Type::Fp32)
    storeAs<float>(p, v);
  else
    storeAs<uint16_t>(p, halfResult(v, type));
}
/// The same as fp32 again, for the next operation.
inline float roundResult(float v, Type type) {
  return type == Type::Fp32   ? v
         : type == Type::Fp16 ? numerics::halfToFloat(halfResult(v, type))
                              : numerics::bfloatToFloat(halfResult(v, type));
}

/// x op y before it is rounded to `type`: denormal operands are zeros, and fp32 results too; halves
/// only once they are rounded. A NaN keeps the payload of its first NaN operand.
template <class Op, class FlushOp>
float operate(Type type, float x, float y, Op plain, FlushOp flushing) {
  float v = type == Type::Fp32 ? flushing(x, y) : plain(numerics::flush(x), numerics::flush(y));
  return v == v ? v : numerics::nanOf(x, y);
}
inline float sum(Type type, float x, float y) {
  return operate(type, x, y, std::plus{}, numerics::addFlush);
}
inline float difference(Type type, float x, float y) {
  return operate(type, x, y, std::minus{}, numerics::subFlush);
}
inline float product(Type type, float x, float y) {
  return operate(type, x, y, std::multiplies{}, numerics::mulFlush);
}

} // namespace tessera::sim::exec
