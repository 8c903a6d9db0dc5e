#pragma once
// What the verifiers share: which form an op has (floats of one type, or integer) and its
// requantization.
#include "tessera/ir/top/shapes.h"
#include "tessera/ir/tpu/dialect.h"

namespace tessera {

inline mlir::Type elementOf(mlir::Value v) {
  return llvm::cast<mlir::RankedTensorType>(v.getType()).getElementType();
}
inline bool isF32(mlir::Value v) { return elementOf(v).isF32(); }
inline bool isFloat(mlir::Type element) {
  return element.isF32() || element.isF16() || element.isBF16();
}
inline mlir::quant::UniformQuantizedType quantOf(mlir::Value v) {
  return llvm::dyn_cast<mlir::quant::UniformQuantizedType>(elementOf(v));
}

/// Operands and result are either all of one float type (true) or all quantized (false); otherwise
/// an error. Failure has had its message.
llvm::FailureOr<bool> floatForm(mlir::Operation *op, mlir::ValueRange tensors);
/// lhs and rhs have one shape.
mlir::LogicalResult checkSameShape(mlir::Operation *op, mlir::Value lhs, mlir::Value rhs);
/// lhs, rhs and the result are of one float type, the operands of one shape.
mlir::LogicalResult checkFloatPair(mlir::Operation *op, mlir::Value lhs, mlir::Value rhs);
/// An error where the result is f16 or bf16, for ops (or forms of them) that know only f32.
mlir::LogicalResult checkNoHalf(mlir::Operation *op, const llvm::Twine &form);
/// Value `name` has exactly the result's element type.
mlir::LogicalResult checkSameType(mlir::Operation *op, const char *name, mlir::Value v);
/// `count` multipliers and shifts in the integer form, none in the float form; each multiplier's
/// magnitude below `multiplierLimit`, each shift in [lowestShift, 31].
mlir::LogicalResult checkRequantize(mlir::Operation *op, bool floatForm,
                                    llvm::ArrayRef<int32_t> multiplier,
                                    llvm::ArrayRef<int32_t> rshift, size_t count,
                                    int64_t multiplierLimit, int32_t lowestShift);
/// All of `tensors` and the result are quantized, and one factor that is not negative requantizes.
mlir::LogicalResult checkFactor(mlir::Operation *op, mlir::ValueRange tensors, int32_t multiplier,
                                int32_t rshift);
/// `value` can be stored in v's type: any finite number in a float type, a whole one in range
/// otherwise.
mlir::LogicalResult checkStorable(mlir::Operation *op, const char *name, double value,
                                  mlir::Value v);
/// Filter i8 or ui8 and bias i32 in the integer form, both f32 in the float form (a filter with
/// the values that the result's type holds).
mlir::LogicalResult checkWeights(mlir::Operation *op, bool floatForm, mlir::Value filter,
                                 mlir::Value bias);
/// In the integer form the result is u8 with scale 1 (class numbers and truth values).
mlir::LogicalResult checkCountResult(mlir::Operation *op, bool floatForm);

} // namespace tessera
