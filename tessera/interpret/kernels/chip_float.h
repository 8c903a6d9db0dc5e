#pragma once
// Single values in the chip's float types, as its element-wise and pooling units compute
// (docs/numerics.md, "AR"). Internal to interpret/kernels.
#include "tessera/numerics/bfloat.h"
#include "tessera/numerics/float.h"
#include "tessera/numerics/half.h"
#include "tessera/tensor/tensor.h"

namespace tessera::interpret {

inline float loaded(const Tensor &x, int64_t i) {
  switch (x.dtype()) {
  case DType::F32:
    return x.as<float>()[size_t(i)];
  case DType::F16:
    return numerics::halfToFloat(x.as<uint16_t>()[size_t(i)]);
  default:
    TESSERA_CHECK(x.dtype() == DType::BF16, "a float type of the chip");
    return numerics::bfloatToFloat(x.as<uint16_t>()[size_t(i)]);
  }
}

inline void put(Tensor &y, int64_t i, float v) {
  if (y.dtype() == DType::F32)
    y.as<float>()[size_t(i)] = v;
  else
    y.as<uint16_t>()[size_t(i)] =
        y.dtype() == DType::F16 ? numerics::floatToHalf(v) : numerics::floatToBfloat(v);
}

/// A half's result, computed in fp32.
inline float roundedHalf(DType type, float v) {
  if (v != v)
    return numerics::halfToFloat(0x7FFF);
  return type == DType::F16 ? numerics::halfToFloat(numerics::floatToHalf(v))
                            : numerics::bfloatToFloat(numerics::resultToBfloat(v));
}
/// Operations on two values of `type`, rounded to it.
inline float chipSum(DType type, float a, float b) {
  return type == DType::F32 ? numerics::addNan(a, b)
                            : roundedHalf(type, numerics::flush(a) + numerics::flush(b));
}
inline float chipDifference(DType type, float a, float b) {
  if (type != DType::F32)
    return roundedHalf(type, numerics::flush(a) - numerics::flush(b));
  float v = numerics::subFlush(a, b);
  return v == v ? v : numerics::nanOf(a, b);
}
inline float chipProduct(DType type, float a, float b) {
  return type == DType::F32 ? numerics::mulNan(a, b)
                            : roundedHalf(type, numerics::flush(a) * numerics::flush(b));
}

} // namespace tessera::interpret
