#include "tessera/import/onnx/rules.h"

#include <cmath>

namespace tessera::onnx_import {

void importBatchNormalization(Node &n) {
  if (!n.countInputs(5, 5))
    return;
  n.floatOnly(0);
  double epsilon = n.floatAttr("epsilon", 1e-5f);
  n.floatAttr("momentum", 0.9); // of training; checked for its type only
  if (!std::isfinite(epsilon) || epsilon < 0)
    n.problem("bad-node", fmt::format("attribute epsilon is {}, must be at least 0", epsilon));
  if (!n.flagAttr("spatial", true))
    n.unsupported("attribute spatial is 0: statistics for every cell are not supported",
                  "export with per-channel statistics");
  if (n.flagAttr("training_mode", false))
    n.unsupported("attribute training_mode is 1: statistics of the batch are not supported",
                  "export the model in evaluation mode (model.eval())");
  const char *names[] = {"", "the scale", "the bias", "the mean", "the variance"};
  for (size_t i = 1; i < 5; ++i)
    n.constant(i, names[i]);
  if (n.failed())
    return;
  mlir::Value x = n.operand(0), mean = n.operand(3), variance = n.operand(4), gamma = n.operand(1),
              beta = n.operand(2);
  n.emit<top::BatchNormOp>(n.in(0).type, x, mean, variance, gamma, beta, llvm::APFloat(epsilon),
                           /*do_relu=*/false);
}

} // namespace tessera::onnx_import
