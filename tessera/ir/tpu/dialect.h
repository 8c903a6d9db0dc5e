#pragma once
// The tpu dialect's classes.
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Quant/QuantOps.h"
#include "mlir/Dialect/Quant/QuantTypes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace tessera {
/// What Tpu_Tensor of Ops.td allows: ranked, every size known and positive, f32, f16,
/// bf16, i8, ui8, i16, ui16, i32 or an 8-bit uniform quantized type with zero point 0 and its full
/// storage range.
bool isTpuTensor(mlir::Type type);
} // namespace tessera

#include "tessera/ir/tpu/Dialect.h.inc"
#define GET_OP_CLASSES
#include "tessera/ir/tpu/Ops.h.inc"
