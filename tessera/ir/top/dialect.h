#pragma once
// The top dialect's classes and the helpers every room uses on its ops.
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace tessera {
/// What Top_Tensor of Ops.td allows: ranked, f32, every size known and positive.
bool isTopTensor(mlir::Type type);
/// Used by the ShapeInference interface's verifier: the written result type has the inferred shape.
mlir::LogicalResult verifyInferredShape(mlir::Operation *op);
} // namespace tessera

#include "tessera/ir/top/Dialect.h.inc"
#include "tessera/ir/top/Interfaces.h.inc"
#define GET_OP_CLASSES
#include "tessera/ir/top/Ops.h.inc"
