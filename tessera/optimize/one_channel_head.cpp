// Before: Conv with two output channels, the network's only output or behind it Softmax, ArgMax or
//         both over the channels.
// After:  Conv with one, channel 1 minus channel 0 (ArgMax goes: the mask is where this is
//         above 0), under a Sigmoid where the output was a Softmax; tensors under new names.
// Fails:  everything else is an error, because the user asked for it.
#include "tessera/optimize/rewriter.h"

namespace tessera::optimize {
namespace {

constexpr const char *kHint = "leave --one_channel_head out for this network";

Unexpected refuse(mlir::Operation *op, const std::string &why) {
  return fail("no-two-class-head",
              "tensor '" + ir::nameOf(op) + "' (" + op->getName().stripDialect().str() + ")", why,
              kHint);
}

// Rows 1 - 0 of a filter or bias of two.
mlir::Value difference(Rewriter &r, mlir::Operation *before, mlir::Value weight,
                       const std::string &name) {
  const Tensor &t = *r.constant(weight);
  std::vector<double> values = toDouble(t), result(values.size() / 2);
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = values[result.size() + i] - values[i];
  Shape shape = t.shape();
  shape[0] = 1;
  return r.createWeight(before, name, shape, result);
}

} // namespace

Result<std::string> oneChannelHead(ir::Module &module) {
  mlir::func::FuncOp main = module.main();
  mlir::Operation *end = main.getBody().front().getTerminator();
  if (end->getNumOperands() != 1)
    return fail("no-two-class-head", "module '" + module.name() + "'",
                "has " + std::to_string(end->getNumOperands()) + " outputs", kHint);
  // From the output to the convolution.
  mlir::Operation *op = end->getOperand(0).getDefiningOp(), *reader = end;
  std::string was = ir::nameOf(op);
  top::SoftmaxOp softmax;
  for (;; reader = op, op = op->getOperand(0).getDefiningOp()) {
    if (!op)
      return fail("no-two-class-head", "module '" + module.name() + "'", "returns its input",
                  kHint);
    if (Rewriter::onlyReader(op->getResult(0)) != reader)
      return refuse(op, "has other readers, which need both channels");
    auto arg = llvm::dyn_cast<top::ArgOp>(op);
    auto soft = llvm::dyn_cast<top::SoftmaxOp>(op);
    if (!arg && !soft)
      break;
    if ((arg ? arg.getAxis() : soft.getAxis()) != 1)
      return refuse(op, "does not work over the channels (axis 1)");
    if (arg && (reader != end || arg.getMode() != "ArgMax" || arg.getSelectLastIndex()))
      return refuse(op, "is not an ArgMax that takes the first of equals, at the network's end");
    if (soft && softmax)
      return refuse(op, "is a second Softmax");
    softmax = soft ? soft : softmax;
  }
  auto conv = llvm::dyn_cast<top::ConvOp>(op);
  if (!conv)
    return refuse(op, "is not a Conv, whose two channels could be subtracted");
  Shape shape = ir::shapeOf(conv.getOutput());
  if (shape[1] != 2)
    return refuse(op, "has " + std::to_string(shape[1]) + " channel(s), not two");
  OptimizeReport report;
  Rewriter r(module, report);
  if (conv.getDoRelu() || conv.getGroup() != 1 || !r.constant(conv.getFilter()) ||
      (conv.getBias() && !r.constant(conv.getBias())))
    return refuse(op, "has a ReLU, groups or weights that are no constants");

  std::string name = ir::nameOf(op) + "_difference";
  conv.getFilterMutable().assign(difference(r, conv, conv.getFilter(), name + "_filter"));
  if (conv.getBias())
    conv.getBiasMutable().assign(difference(r, conv, conv.getBias(), name + "_bias"));
  shape[1] = 1;
  conv.getOutput().setType(ir::floatType(module.context(), shape));
  Rewriter::rename(conv, name);
  mlir::Operation *last = end->getOperand(0).getDefiningOp();
  mlir::Value result = conv.getOutput();
  if (softmax && last == softmax) {
    mlir::OpBuilder builder(softmax);
    auto sigmoid = builder.create<top::SigmoidOp>(
        ir::nameLoc(module.context(), was + "_difference"), result.getType(), result);
    ir::setOrigin(sigmoid, ir::originOf(softmax));
    result = sigmoid.getOutput();
  } else if (last != conv.getOperation())
    Rewriter::mergeOrigin(conv, last);
  end->setOperand(0, result);
  mlir::OpBuilder builder(module.context());
  main.setType(builder.getFunctionType(main.getArgumentTypes(), {result.getType()}));
  removeDead(r);
  renumber(r);
  auto verified = module.verify("one_channel_head");
  TESSERA_CHECK(verified.has_value(), "one_channel_head broke the module");
  return "output '" + was + "' is now '" + ir::nameOf(result) + "': " +
         (result == conv.getOutput()
              ? "channel 1 minus channel 0, the mask where it is above 0"
              : "the probability of class 1, the mask where it is above 0.5");
}

} // namespace tessera::optimize
