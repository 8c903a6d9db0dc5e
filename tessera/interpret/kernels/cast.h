#pragma once
// Conversions: tpu.Cast between f32 and the stored types, top.Cast between ONNX types kept in f32.
#include "tessera/tensor/tensor.h"

#include <string>

namespace tessera::interpret {

/// F32 -> I8|U8: fl(x * fl32(1 / scale)) rounded half away from zero, saturated ("instruction
/// streams" 4.8); infinities saturate, NaN gives 0.
Tensor castToQuant(const Tensor &x, double scale, DType out);

/// I8|U8 -> F32: fl(q * fl32(scale)).
Tensor castFromQuant(const Tensor &q, double scale);

/// top.Cast: F32 -> F32 holding the values of ONNX type `to` (f32 f16 bf16 f64 i8 u8 i16 u16 i32
/// u32 i64 u64 bool). Integers truncate toward zero, then wrap as the type does; bool is x != 0.
Tensor castFloat(const Tensor &x, const std::string &to);
bool isCastTarget(const std::string &to);

} // namespace tessera::interpret
