#include "tessera/ir/tpu/verify.h"

#include <cmath>
#include <cstdlib>

namespace tessera {

bool isTpuTensor(mlir::Type type) {
  auto t = llvm::dyn_cast<mlir::RankedTensorType>(type);
  if (!t || !t.hasStaticShape() || t.getNumElements() < 1)
    return false;
  mlir::Type e = t.getElementType();
  if (auto q = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(e))
    return q.getStorageTypeIntegralWidth() == 8 && q.getExpressedType().isF32() &&
           q.getZeroPoint() == 0 && q.getScale() > 0 && std::isfinite(q.getScale()) &&
           q.getStorageTypeMin() == (q.isSigned() ? -128 : 0) &&
           q.getStorageTypeMax() == (q.isSigned() ? 127 : 255);
  return isFloat(e) || e.isSignlessInteger(8) || e.isUnsignedInteger(8) ||
         e.isSignlessInteger(16) || e.isUnsignedInteger(16) || e.isSignlessInteger(32);
}

llvm::FailureOr<bool> floatForm(mlir::Operation *op, mlir::ValueRange tensors) {
  mlir::Type element = elementOf(op->getResult(0));
  bool floats = isFloat(element);
  auto fits = [&](mlir::Value v) { return floats ? elementOf(v) == element : bool(quantOf(v)); };
  if (!fits(op->getResult(0)))
    return op->emitOpError("result is ")
           << op->getResult(0).getType() << ", must be a float type or quantized";
  for (auto [i, v] : llvm::enumerate(tensors))
    if (!fits(v))
      return op->emitOpError("input ")
             << i << " is " << v.getType() << ", result is " << op->getResult(0).getType()
             << "; they must be all of one float type or all quantized";
  return floats;
}

mlir::LogicalResult checkSameShape(mlir::Operation *op, mlir::Value lhs, mlir::Value rhs) {
  if (sizesOf(lhs) == sizesOf(rhs))
    return mlir::success();
  return op->emitOpError("lhs has shape ") << sizesText(sizesOf(lhs)) << ", rhs "
                                           << sizesText(sizesOf(rhs)) << "; they must be equal";
}

mlir::LogicalResult checkFloatPair(mlir::Operation *op, mlir::Value lhs, mlir::Value rhs) {
  auto isFloat = floatForm(op, {lhs, rhs});
  if (failed(isFloat) || failed(checkSameShape(op, lhs, rhs)))
    return mlir::failure();
  if (!*isFloat)
    return op->emitOpError("result is ") << op->getResult(0).getType() << ", must be a float type";
  return mlir::success();
}

mlir::LogicalResult checkNoHalf(mlir::Operation *op, const llvm::Twine &form) {
  mlir::Type e = elementOf(op->getResult(0));
  if (!e.isF16() && !e.isBF16())
    return mlir::success();
  return op->emitOpError(form) << " has no form in " << e << ", only in f32";
}

mlir::LogicalResult checkSameType(mlir::Operation *op, const char *name, mlir::Value v) {
  if (elementOf(v) == elementOf(op->getResult(0)))
    return mlir::success();
  return op->emitOpError(name) << " has elements " << elementOf(v) << ", result has "
                               << elementOf(op->getResult(0)) << "; they must be equal";
}

mlir::LogicalResult checkRequantize(mlir::Operation *op, bool floatForm,
                                    llvm::ArrayRef<int32_t> multiplier,
                                    llvm::ArrayRef<int32_t> rshift, size_t count,
                                    int64_t multiplierLimit, int32_t lowestShift) {
  size_t need = floatForm ? 0 : count;
  if (failed(checkCount(op, "multiplier", multiplier.size(), need)) ||
      failed(checkCount(op, "rshift", rshift.size(), need)))
    return mlir::failure();
  for (int32_t m : multiplier)
    if (std::llabs(m) >= multiplierLimit)
      return op->emitOpError("multiplier ")
             << m << " must be smaller in magnitude than " << multiplierLimit;
  for (int32_t r : rshift)
    if (r < lowestShift || r > 31)
      return op->emitOpError("rshift ") << r << " is outside " << lowestShift << " to 31";
  return mlir::success();
}

mlir::LogicalResult checkFactor(mlir::Operation *op, mlir::ValueRange tensors, int32_t multiplier,
                                int32_t rshift) {
  auto isFloat = floatForm(op, tensors);
  if (failed(isFloat))
    return mlir::failure();
  if (*isFloat)
    return op->emitOpError("result is ") << op->getResult(0).getType() << ", must be quantized";
  if (multiplier < 0)
    return op->emitOpError("multiplier ") << multiplier << " must not be negative";
  return checkRequantize(op, false, multiplier, rshift, 1, 127, 0);
}

mlir::LogicalResult checkStorable(mlir::Operation *op, const char *name, double value,
                                  mlir::Value v) {
  if (!std::isfinite(value))
    return op->emitOpError(name) << " is " << value << ", must be finite";
  auto q = quantOf(v);
  if (q && (value != std::trunc(value) || value < double(q.getStorageTypeMin()) ||
            value > double(q.getStorageTypeMax())))
    return op->emitOpError(name) << " is " << value << ", must be a whole number from "
                                 << q.getStorageTypeMin() << " to " << q.getStorageTypeMax();
  return mlir::success();
}

mlir::LogicalResult checkWeights(mlir::Operation *op, bool floatForm, mlir::Value filter,
                                 mlir::Value bias) {
  mlir::Type f = elementOf(filter);
  if (floatForm ? !f.isF32() : !(f.isSignlessInteger(8) || f.isUnsignedInteger(8)))
    return op->emitOpError("filter is ")
           << filter.getType() << ", must be " << (floatForm ? "f32" : "i8 or ui8")
           << " as the result is " << op->getResult(0).getType();
  if (bias && (floatForm ? !isF32(bias) : !elementOf(bias).isSignlessInteger(32)))
    return op->emitOpError("bias is ")
           << bias.getType() << ", must be " << (floatForm ? "f32" : "i32") << " as the result is "
           << op->getResult(0).getType();
  return mlir::success();
}

mlir::LogicalResult checkCountResult(mlir::Operation *op, bool floatForm) {
  if (floatForm)
    return mlir::success();
  auto q = quantOf(op->getResult(0));
  if (q && !q.isSigned() && q.getScale() == 1.0)
    return mlir::success();
  return op->emitOpError("result is ") << op->getResult(0).getType() << ", must be u8 with scale 1";
}

} // namespace tessera
