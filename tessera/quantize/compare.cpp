// Comparisons with a constant become Greater or Less with a whole threshold on stored integers,
// exactly.
#include "tessera/quantize/lowering.h"

#include <algorithm>
#include <cmath>

namespace tessera::quantize {

void lowerCompare(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::CompareOp>(operation);
  if (!l.integer())
    l.inF32();
  bool constantLeft = l.isWeight(op.getLhs());
  mlir::Value variable = constantLeft ? op.getRhs() : op.getLhs();
  mlir::Value constant = constantLeft ? op.getLhs() : op.getRhs();
  if (!l.isWeight(constant) || l.isWeight(variable))
    return l.refuse(op, "compares two computed tensors, which has no INT8 form yet",
                    "ArgMax over the two channels, or Greater on their difference, has one");
  const Tensor c = l.weight(constant).converted(DType::F64);
  auto values = c.as<double>();
  if (values.empty() ||
      std::any_of(values.begin(), values.end(), [&](double v) { return v != values[0]; }))
    return l.refuse(op, "compares with a constant that differs between elements", "");
  if (ir::shapeOf(op.getResult()) != ir::shapeOf(variable))
    return l.refuse(op, "broadcasts its input, which has no form yet", "");
  std::string mode = op.getMode().str();
  if (constantLeft) { // c > x is x < c
    static const std::map<std::string, std::string> flipped = {{"Greater", "Less"},
                                                               {"GreaterOrEqual", "LessOrEqual"},
                                                               {"Less", "Greater"},
                                                               {"LessOrEqual", "GreaterOrEqual"}};
    auto it = flipped.find(mode);
    mode = it == flipped.end() ? mode : it->second;
  }
  mlir::Value input = l.value(variable);
  double t = values[0] / (l.integer() ? ir::scaleOf(input) : 1.0);
  bool greater = mode == "Greater" || mode == "GreaterOrEqual";
  if (!greater && mode != "Less" && mode != "LessOrEqual")
    return l.refuse(op, "compares by " + mode, "Greater and Less have a form");
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
  l.replace(op, l.create<tpu::CompareOp>(op, type, input, greater ? "Greater" : "Less",
                                         llvm::APFloat(t)));
}

} // namespace tessera::quantize
