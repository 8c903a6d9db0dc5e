#include "tessera/quantize/lowering.h"

namespace tessera::quantize {

/// Runs of indices that rise by equal steps are Slices; a Concat joins them.
void lowerGather(Lowering &l, mlir::Operation *operation) {
  auto op = llvm::cast<top::GatherOp>(operation);
  mlir::Value input = l.value(op.getInput());
  llvm::ArrayRef<int64_t> indices = op.getIndices();
  auto axis = size_t(op.getAxis());
  Shape shape = ir::shapeOf(input);
  bool reshaped = !op.getKeepdims();
  std::string name = ir::nameOf(op) + (reshaped ? "_kept" : "");
  std::vector<mlir::Value> parts;
  for (size_t first = 0, end = 0; first < indices.size(); first = end) {
    end = first + 1;
    int64_t step = end < indices.size() ? indices[end] - indices[first] : 1;
    while (step > 0 && end < indices.size() && indices[end] - indices[end - 1] == step)
      ++end;
    std::vector<int64_t> offset(shape.size(), 0), steps(shape.size(), 1);
    offset[axis] = indices[first];
    steps[axis] = std::max<int64_t>(step, 1);
    shape[axis] = int64_t(end - first);
    bool all = end - first == indices.size();
    parts.push_back(l.createNamed<tpu::SliceOp>(op, all ? name : name + "_" + std::to_string(first),
                                                l.resized(input, shape), input, offset, steps,
                                                shape));
  }
  shape[axis] = int64_t(indices.size());
  mlir::Value result = parts[0];
  if (parts.size() > 1)
    result = l.createNamed<tpu::ConcatOp>(op, name, l.resized(input, shape), parts, int64_t(axis));
  if (reshaped)
    result =
        l.create<tpu::ReshapeOp>(op, l.typeLike(input, op), result, ir::shapeOf(op.getResult()));
  l.replace(op, result);
}

} // namespace tessera::quantize
