#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

/// In F32 whatever the mode: exponentials have no form in fewer bits. Over the last axis it is
/// turned to the front first, as its values are rows of the lanes.
void lowerSoftmax(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::SoftmaxOp>(operation);
  l.inF32();
  mlir::Value input = l.value(op.getInput());
  auto type = l.resultType(op, DType::F32, 0);
  Shape shape = ir::shapeOf(input);
  auto axis = size_t(op.getAxis()), last = shape.size() - 1;
  int64_t rows = elementCount(shape) / shape[last];
  if (axis != last || rows == 1)
    return l.replace(op, l.create<tpu::SoftmaxOp>(op, type, input, op.getAxis()));
  std::string name = ir::nameOf(op);
  auto turned = [&](const std::string &name, mlir::Value v, llvm::ArrayRef<int64_t> order) {
    Shape from = ir::shapeOf(v), to;
    for (int64_t a : order)
      to.push_back(from[size_t(a)]);
    return l.createNamed<tpu::PermuteOp>(op, name, ir::plainType(l.context(), to, DType::F32), v,
                                         order);
  };
  // The last axis before all others, and back behind them.
  llvm::SmallVector<int64_t> there{int64_t(last)}, back;
  for (size_t a = 0; a < last; ++a) {
    there.push_back(int64_t(a));
    back.push_back(int64_t(a) + 1);
  }
  back.push_back(0);
  mlir::Value v = turned(name + "_turned", input, there);
  v = l.createNamed<tpu::SoftmaxOp>(op, name + "_shares", v.getType(), v, 0);
  l.replace(op, turned(name, v, back));
}

} // namespace tessera::quantize
