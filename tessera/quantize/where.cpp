#include "tessera/quantize/lowering.h"

#include <algorithm>
#include <cmath>

namespace tessera::quantize {

/// In floats one command. In integers lhs * (condition != 0) + rhs * (condition == 0), each factor
/// a table of the condition: one of the products is 0, so each element is rounded once.
void lowerWhere(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::WhereOp>(operation);
  if (!l.integer()) {
    mlir::Value condition = l.operand(op, op.getCond()), lhs = l.operand(op, op.getLhs()),
                rhs = l.operand(op, op.getRhs());
    if (condition && lhs && rhs)
      l.replace(op, l.create<tpu::WhereOp>(op, l.typeFromTable(op), condition, lhs, rhs));
    return;
  }
  if (l.isWeight(op.getCond()))
    return l.refuse(op, "has a constant condition, which has no INT8 form",
                    "multiply by the condition in the model");
  auto type = l.typeFromTable(op);
  auto element = llvm::dyn_cast<mlir::quant::UniformQuantizedType>(type.getElementType());
  if (!element)
    return; // its table row is missing
  Shape shape = ir::shapeOf(op.getResult());
  mlir::Value condition = l.value(op.getCond());
  /// `v` where the condition holds as `chosen`, 0 elsewhere; null where `op` was refused.
  auto side = [&](mlir::Value v, bool chosen) -> mlir::Value {
    std::string name = ir::nameOf(op) + (chosen ? "_true" : "_false");
    double stored = 1;
    bool filled = false; // with one number, which the table can hold itself
    if (l.isWeight(v)) {
      auto values = l.weight(v).as<float>();
      if (std::any_of(values.begin(), values.end(), [](float f) { return std::isnan(f); })) {
        l.refuse(op, "has a constant that is not a number", "give it a value in the model");
        return {};
      }
      filled = std::all_of(values.begin(), values.end(), [&](float f) { return f == values[0]; });
      if (filled)
        stored =
            std::clamp(std::round(values[0] / element.getScale()),
                       double(element.getStorageTypeMin()), double(element.getStorageTypeMax()));
    }
    llvm::SmallVector<int32_t> table(256, int32_t(stored));
    table[0] = chosen ? 0 : table[1];
    if (!chosen)
      std::fill(table.begin() + 1, table.end(), 0);
    Shape own = ir::shapeOf(condition);
    auto holds = filled ? ir::quantType(l.context(), own, element.isSigned(), element.getScale())
                        : ir::quantType(l.context(), own, false, 1);
    mlir::Value lut = l.createNamed<tpu::LutOp>(op, name, holds, condition, table);
    lut = l.broadcast(op, lut, shape);
    if (filled || !lut)
      return lut;
    mlir::Value x = l.operand(op, v);
    auto f = x ? l.factor(op, x, ir::scaleOf(x), element.getScale()) : std::nullopt;
    if (!f)
      return {};
    return l.createNamed<tpu::MulOp>(op, name + "_value", type, x, lut, f->multiplier, f->rshift);
  };
  mlir::Value a = side(op.getLhs(), true), b = side(op.getRhs(), false);
  if (!a || !b)
    return;
  l.replace(op, l.create<tpu::AddOp>(op, type, a, b, false, llvm::ArrayRef<int32_t>{1, 1},
                                     llvm::ArrayRef<int32_t>{0, 0}));
}

} // namespace tessera::quantize
