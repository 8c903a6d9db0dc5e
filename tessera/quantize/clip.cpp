#include "tessera/quantize/lowering.h"

#include <algorithm>
#include <cmath>

namespace tessera::quantize {

void lowerClip(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::ClipOp>(operation);
  mlir::Value input = l.value(op.getInput());
  auto type = l.typeFromTable(op);
  if (!l.integer())
    return l.replace(op, l.create<tpu::ClipOp>(op, type, input, op.getMin(), op.getMax()));
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return; // its table row is missing
  double low = op.getMin().convertToDouble(), high = op.getMax().convertToDouble();
  double from = ir::scaleOf(input), to = element.getScale();
  auto lowest = double(element.getStorageTypeMin()), highest = double(element.getStorageTypeMax());
  // The result's type clips by itself what its range leaves out (ReLU6: 0, and the threshold).
  bool byType =
      low <= lowest * to && high >= highest * to * (1 - 1e-6) && (low == 0 || element.isSigned());
  if (byType)
    return l.replace(op, l.rescale(op, input, type));
  llvm::SmallVector<int32_t> table;
  for (int byte = 0; byte < 256; ++byte) {
    int stored = ir::dtypeOf(input) == DType::I8 ? int(int8_t(byte)) : byte;
    double y = std::min(std::max(stored * from, low), high);
    table.push_back(int32_t(std::clamp(std::round(y / to), lowest, highest)));
  }
  l.replace(op, l.create<tpu::LutOp>(op, type, input, table));
}

} // namespace tessera::quantize
