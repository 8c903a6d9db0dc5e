#include "tessera/interpret/kernels/cast.h"

#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/half.h"
#include "tessera/numerics/rounding.h"

#include <algorithm>
#include <cmath>

namespace tessera::interpret {

Tensor castToQuant(const Tensor &x, double scale, DType out) {
  TESSERA_CHECK(x.dtype() == DType::F32, "quantization of f32");
  float inverse = float(1.0 / scale);
  return by8BitType(out, [&](auto zero) {
    using T = decltype(zero);
    return mapElements<T, float>(x, out, [=](float v) {
      return numerics::saturate<T>(numerics::roundToInt(v * inverse, numerics::Rounding::HalfAway));
    });
  });
}

Tensor castFromQuant(const Tensor &q, double scale) {
  return by8BitType(q.dtype(), [&](auto zero) {
    return mapElements<float, decltype(zero)>(q, DType::F32,
                                              [s = float(scale)](auto v) { return float(v) * s; });
  });
}

namespace {

constexpr const char *kTargets[] = {"f32", "f16", "bf16", "f64", "i8",  "u8",  "i16",
                                    "u16", "i32", "u32",  "i64", "u64", "bool"};

template <class T> Tensor toInteger(const Tensor &x) {
  // Through int64: the wrap of a narrower type is then defined. Beyond int64, and NaN, the nearest
  // limit and 0 stand in for what ONNX leaves open.
  return mapFloat(
      x, [](float v) { return float(T(numerics::roundToInt(v, numerics::Rounding::TowardZero))); });
}

} // namespace

bool isCastTarget(const std::string &to) {
  return std::find(std::begin(kTargets), std::end(kTargets), to) != std::end(kTargets);
}

Tensor castFloat(const Tensor &x, const std::string &to) {
  TESSERA_CHECK(isCastTarget(to), "a type to cast to");
  if (to == "f32" || to == "f64")
    return x;
  if (to == "f16")
    return mapFloat(x, [](float v) { return numerics::halfToFloat(numerics::floatToHalf(v)); });
  if (to == "bf16")
    return mapFloat(x, [](float v) { return numerics::bfloatToFloat(numerics::floatToBfloat(v)); });
  if (to == "bool")
    return mapFloat(x, [](float v) { return v != 0 ? 1.f : 0.f; });
  if (to == "i8")
    return toInteger<int8_t>(x);
  if (to == "u8")
    return toInteger<uint8_t>(x);
  if (to == "i16")
    return toInteger<int16_t>(x);
  if (to == "u16")
    return toInteger<uint16_t>(x);
  if (to == "i32")
    return toInteger<int32_t>(x);
  if (to == "u32")
    return toInteger<uint32_t>(x);
  return to == "i64" ? toInteger<int64_t>(x) : toInteger<uint64_t>(x);
}

} // namespace tessera::interpret
