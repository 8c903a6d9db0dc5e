#include "tessera/quantize/lowering.h"

#include <algorithm>
#include <cmath>

namespace tessera::quantize {

void lowerSigmoid(Lowering &l, mlir::Operation *op) {
  if (!l.integer()) {
    l.inF32();
    return l.replace(op, l.create<tpu::SigmoidOp>(op, l.resultType(op, DType::F32, 0),
                                                  l.value(op->getOperand(0))));
  }
  mlir::Value input = l.value(op->getOperand(0));
  auto type = l.typeFromTable(op);
  if (!llvm::isa<mlir::quant::QuantizedType>(type.getElementType()))
    return; // its table row is missing
  double from = ir::scaleOf(input);
  auto quantized = llvm::cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  // Every stored value once: no error but the result's rounding, half away from zero.
  llvm::SmallVector<int32_t> table;
  for (int byte = 0; byte < 256; ++byte) {
    int stored = ir::dtypeOf(input) == DType::I8 ? int(int8_t(byte)) : byte;
    double y = 1 / (1 + std::exp(-stored * from));
    table.push_back(int32_t(std::clamp(std::round(y / quantized.getScale()),
                                       double(quantized.getStorageTypeMin()),
                                       double(quantized.getStorageTypeMax()))));
  }
  l.replace(op, l.create<tpu::LutOp>(op, type, input, table));
}

} // namespace tessera::quantize
