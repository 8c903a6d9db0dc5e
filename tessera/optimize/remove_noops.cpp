// Before: ops whose result is their input: Cast to a type that holds the values anyway, Reshape to
// the
//         same shape, whole Slice and Gather, empty Pad, Permute in order, ReLU of what is never
//         negative, Concat of one tensor, Interp to the same size, 1x1 pooling, adding 0,
//         multiplying by 1; Reshape of Reshape and Permute of Permute.
// After:  their readers read the input; a pair of Reshapes or Permutes is one.
// Fails:  stays as a network output right behind an input, a constant or another output: the name
// of an
//         output must not be lost.
#include "tessera/optimize/rewriter.h"

#include <limits>
#include <numeric>

namespace tessera::optimize {
namespace {

// Whole numbers from low to high.
struct Range {
  double low, high;
};

std::optional<Range> integerRange(llvm::StringRef type) {
  static const std::map<std::string, Range> ranges = {
      {"bool", {0, 1}},
      {"i8", {-128, 127}},
      {"u8", {0, 255}},
      {"i16", {-32768, 32767}},
      {"u16", {0, 65535}},
      {"i32", {-2147483648.0, 2147483647.0}},
      {"u32", {0, 4294967295.0}},
      {"i64", {-9223372036854775808.0, 9223372036854775807.0}},
      {"u64", {0, 18446744073709551615.0}},
  };
  auto it = ranges.find(type.str());
  return it == ranges.end() ? std::nullopt : std::optional<Range>(it->second);
}

// The whole numbers a tensor can hold, where its op says so.
std::optional<Range> wholeValues(mlir::Value v) {
  mlir::Operation *op = v.getDefiningOp();
  if (!op)
    return std::nullopt;
  if (llvm::isa<top::CompareOp>(op))
    return Range{0, 1};
  if (auto arg = llvm::dyn_cast<top::ArgOp>(op))
    return Range{0, double(sizesOf(arg.getInput())[arg.getAxis()] - 1)};
  if (auto cast = llvm::dyn_cast<top::CastOp>(op))
    return integerRange(cast.getTo());
  if (llvm::isa<top::SliceOp, top::GatherOp, top::ReshapeOp, top::PermuteOp, top::MaxPoolOp>(op))
    return wholeValues(op->getOperand(0));
  return std::nullopt;
}

bool castDoesNothing(top::CastOp op) {
  // Values are kept in f32, so wider floats hold them all.
  if (op.getTo() == "f32" || op.getTo() == "f64")
    return true;
  auto to = integerRange(op.getTo()), from = wholeValues(op.getInput());
  return to && from && from->low >= to->low && from->high <= to->high;
}

bool neverNegative(mlir::Value v) {
  mlir::Operation *op = v.getDefiningOp();
  if (!op)
    return false;
  if (auto relu = op->getAttrOfType<mlir::BoolAttr>("do_relu"); relu && relu.getValue())
    return true;
  if (auto clip = llvm::dyn_cast<top::ClipOp>(op))
    return clip.getMin().convertToDouble() >= 0;
  if (auto pad = llvm::dyn_cast<top::PadOp>(op))
    return pad.getVal().convertToDouble() >= 0 && neverNegative(pad.getInput());
  if (auto concat = llvm::dyn_cast<top::ConcatOp>(op))
    return llvm::all_of(concat.getInputs(), neverNegative);
  if (llvm::isa<top::SliceOp, top::GatherOp, top::ReshapeOp, top::PermuteOp, top::MaxPoolOp,
                top::AvgPoolOp>(op))
    return neverNegative(op->getOperand(0));
  return llvm::isa<top::ReluOp, top::SigmoidOp, top::SoftmaxOp, top::CompareOp, top::ArgOp>(op);
}

template <class OpT> bool poolDoesNothing(OpT op) {
  Window2d w = windowOf(op);
  w.dilations = {1, 1}; // of a single tap
  return w == Window2d{} && !op.getDoRelu();
}

template <class List, class T> bool all(List &&values, T value) {
  return llvm::all_of(values, [&](auto v) { return v == value; });
}

bool inOrder(Sizes values, int64_t count) {
  llvm::SmallVector<int64_t> expected(size_t(count), 0);
  std::iota(expected.begin(), expected.end(), 0);
  return values == Sizes(expected);
}

// The value that op's result equals, or null.
mlir::Value sameAs(const Rewriter &r, mlir::Operation *op) {
  if (auto a = affineOf(r, op))
    return a->isIdentity() ? a->input : mlir::Value();
  bool nothing = false;
  if (auto cast = llvm::dyn_cast<top::CastOp>(op))
    nothing = castDoesNothing(cast);
  else if (auto reshape = llvm::dyn_cast<top::ReshapeOp>(op))
    nothing = reshape.getInput().getType() == reshape.getOutput().getType();
  else if (auto slice = llvm::dyn_cast<top::SliceOp>(op))
    nothing = slice.getSizes() == sizesOf(slice.getInput()) && all(slice.getOffset(), 0);
  else if (auto gather = llvm::dyn_cast<top::GatherOp>(op))
    nothing = gather.getKeepdims() &&
              inOrder(gather.getIndices(), sizesOf(gather.getInput())[gather.getAxis()]);
  else if (auto pad = llvm::dyn_cast<top::PadOp>(op))
    nothing = all(pad.getPaddings(), 0);
  else if (auto permute = llvm::dyn_cast<top::PermuteOp>(op))
    nothing = inOrder(permute.getOrder(), int64_t(permute.getOrder().size()));
  else if (llvm::isa<top::ReluOp>(op))
    nothing = neverNegative(op->getOperand(0));
  else if (auto clip = llvm::dyn_cast<top::ClipOp>(op)) {
    double low = clip.getMin().convertToDouble(), high = clip.getMax().convertToDouble();
    nothing =
        high >= std::numeric_limits<float>::max() && (low <= std::numeric_limits<float>::lowest() ||
                                                      (low <= 0 && neverNegative(clip.getInput())));
  } else if (llvm::isa<top::ConcatOp>(op))
    nothing = op->getNumOperands() == 1;
  else if (auto interp = llvm::dyn_cast<top::InterpOp>(op))
    nothing =
        interp.getInput().getType() == interp.getOutput().getType() && all(interp.getScale(), 1.0);
  else if (auto pool = llvm::dyn_cast<top::MaxPoolOp>(op))
    nothing = poolDoesNothing(pool);
  else if (auto mean = llvm::dyn_cast<top::AvgPoolOp>(op))
    nothing = poolDoesNothing(mean);
  return nothing ? op->getOperand(0) : mlir::Value();
}

// A Reshape of a Reshape reads the first one's input; the first goes if nothing else reads it.
void shortenPair(Rewriter &r, mlir::Operation *op) {
  if (!llvm::isa<top::ReshapeOp, top::PermuteOp>(op))
    return;
  mlir::Operation *first = op->getOperand(0).getDefiningOp();
  if (!first || first->getName() != op->getName())
    return;
  if (auto permute = llvm::dyn_cast<top::PermuteOp>(op)) {
    auto inner = llvm::cast<top::PermuteOp>(first);
    llvm::SmallVector<int64_t> order;
    for (int64_t axis : permute.getOrder())
      order.push_back(inner.getOrder()[size_t(axis)]);
    permute.setOrder(order);
  }
  op->setOperand(0, first->getOperand(0));
  Rewriter::mergeOrigin(op, first);
  if (first->use_empty())
    first->erase();
  r.count();
}

} // namespace

void removeNoops(Rewriter &r) {
  for (mlir::Operation *op : r.ops()) {
    shortenPair(r, op);
    if (mlir::Value same = sameAs(r, op))
      r.removeNoop(op, same);
  }
}

} // namespace tessera::optimize
