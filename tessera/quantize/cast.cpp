#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

void lowerCast(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::CastOp>(operation);
  std::string to = op.getTo().str();
  bool toFloat = to == "f32" || to == "f64";
  if (!l.integer() && !toFloat)
    l.inF32();
  mlir::Value input = l.value(op.getInput());
  // Whole numbers (scale 1: masks and class maps) and widening floats keep their values.
  if (l.integer() ? (toFloat || (ir::scaleOf(input) == 1.0 && to != "bool")) : toFloat)
    return l.replace(op, input);
  if (l.integer())
    return l.refuse(op, "casts scaled values to " + to + ", which has no INT8 form yet", "");
  mlir::NamedAttribute attribute(l.builder.getStringAttr("to"), l.builder.getStringAttr(to));
  l.replace(op, l.create<tpu::FloatOp>(op, l.resultType(op, DType::F32, 0), mlir::ValueRange{input},
                                       "Cast", l.builder.getDictionaryAttr(attribute)));
}

} // namespace tessera::quantize
