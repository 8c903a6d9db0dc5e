// Comparisons with a number become Greater, Less or a table on stored integers, exactly; others run
// in F32.
#include "tessera/quantize/lowering.h"

#include <algorithm>
#include <cmath>

namespace tessera::quantize {
namespace {

/// Of two tensors: in F32, where values of different scales can be compared.
void comparePair(Lowering &l, top::CompareOp op, std::string mode) {
  l.inF32();
  mlir::Value a = l.operand(op, op.getLhs()), b = l.operand(op, op.getRhs());
  if (!a || !b)
    return;
  if (mode == "Less" || mode == "LessOrEqual") {
    std::swap(a, b);
    mode = mode == "Less" ? "Greater" : "GreaterOrEqual";
  }
  l.replace(op, l.create<tpu::CompareOp>(op, l.resultType(op, DType::F32, 0), a, b, mode,
                                         llvm::APFloat(0.0)));
}

} // namespace

void lowerCompare(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::CompareOp>(operation);
  bool constantLeft = l.isWeight(op.getLhs());
  mlir::Value variable = constantLeft ? op.getRhs() : op.getLhs();
  mlir::Value constant = constantLeft ? op.getLhs() : op.getRhs();
  std::optional<double> number; // that all elements are compared with
  if (l.isWeight(constant) && !l.isWeight(variable) &&
      ir::shapeOf(op.getResult()) == ir::shapeOf(variable)) {
    auto values = l.weight(constant).as<float>();
    if (!values.empty() && std::ranges::all_of(values, [&](float v) { return v == values[0]; }))
      number = values[0];
  }
  std::string mode = op.getMode().str();
  if (!number || (mode == "Equal" && !l.integer()))
    return comparePair(l, op, mode);
  if (!l.integer())
    l.inF32();
  mlir::Value input = l.value(variable);
  double t = *number / (l.integer() ? ir::scaleOf(input) : 1.0);
  if (mode == "Equal") {
    llvm::SmallVector<int32_t> table(256, 0);
    double lowest = ir::dtypeOf(input) == DType::I8 ? -128 : 0;
    if (t == std::round(t) && t >= lowest && t <= lowest + 255)
      table[uint8_t(int(t))] = 1;
    return l.replace(op, l.create<tpu::LutOp>(op, l.resultType(op, DType::U8, 1.0), input, table));
  }
  if (constantLeft) { // c > x is x < c
    static const std::map<std::string, std::string> flipped = {{"Greater", "Less"},
                                                               {"GreaterOrEqual", "LessOrEqual"},
                                                               {"Less", "Greater"},
                                                               {"LessOrEqual", "GreaterOrEqual"}};
    mode = flipped.at(mode);
  }
  bool greater = mode == "Greater" || mode == "GreaterOrEqual";
  if (l.integer()) {
    // For whole x: x > t is x > floor(t); x >= t is x > ceil(t) - 1; x < t is x < ceil(t); x <= t
    // is x < floor(t) + 1.
    t = mode == "Greater"          ? std::floor(t)
        : mode == "GreaterOrEqual" ? std::ceil(t) - 1
        : mode == "Less"           ? std::ceil(t)
                                   : std::floor(t) + 1;
  } else if (mode == "GreaterOrEqual" || mode == "LessOrEqual") {
    // The next float down (up) turns >= into >.
    t = std::nextafterf(static_cast<float>(t), greater ? -INFINITY : INFINITY);
  }
  auto type = l.integer() ? l.resultType(op, DType::U8, 1.0) : l.resultType(op, DType::F32, 0);
  l.replace(op, l.create<tpu::CompareOp>(op, type, input, mlir::Value(),
                                         greater ? "Greater" : "Less", llvm::APFloat(t)));
}

} // namespace tessera::quantize
