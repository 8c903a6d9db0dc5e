#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerPad(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::PadOp>(operation);
  mlir::Value input = l.value(op.getInput());
  double val = op.getVal().convertToDouble();
  if (l.integer()) {
    int64_t q = numerics::roundToInt(val / ir::scaleOf(input), numerics::Rounding::HalfAway);
    bool isSigned = ir::dtypeOf(input) == DType::I8;
    val = isSigned ? numerics::saturate<int8_t>(q) : numerics::saturate<uint8_t>(q);
    if (val * ir::scaleOf(input) != op.getVal().convertToDouble())
      l.note(op, "padding value " + std::to_string(op.getVal().convertToDouble()) + " becomes " +
                     std::to_string(val * ir::scaleOf(input)));
  }
  l.replace(op, l.create<tpu::PadOp>(op, l.typeLike(input, op), input, op.getPaddings(),
                                     llvm::APFloat(val)));
}

} // namespace tessera::quantize
