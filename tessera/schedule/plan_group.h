#pragma once
// A chain of ops that hands its tensors on in local memory. The group runs in bands of rows: in
// each band every op makes the new rows of its result that its readers can use next. Rows that a
// reader's window still needs in the next band are kept, so that no row is computed twice.
#include "tessera/schedule/plan_ops.h"

namespace tessera::schedule {

/// A tensor that an op of the group makes.
struct GroupTensor {
  View view;
  bool stored = true; ///< somebody outside the group wants it
};

/// What an op reads: a tensor of the group, or a part of global memory. Several inputs of one
/// convolution are parts of its input channels, in order, and meet in one accumulator.
struct GroupInput {
  int32_t tensor = -1; ///< -1: outside, `view`
  View view;
  codegen::WindowAxis y, x;
  std::optional<Unfold> unfold; ///< of a view

  bool repeats() const { return tensor < 0 && view.repeats(); }
};

struct GroupOp {
  int32_t layer = -1;
  int32_t result = -1; ///< tensor
  std::vector<GroupInput> inputs;
  std::optional<ConvWork> conv;               ///< its views, axes and epilogues are not used
  const UpConv *upConv = nullptr;             ///< inputs: the small tensor, the skip tensor
  std::optional<codegen::Elementwise> recipe; ///< none of these: a max pool
  bool relu = false;                          ///< of the pool
  std::optional<MulShift> average = {};       ///< of an average pool
  const Blend *blend = nullptr;               ///< a resize to twice the size, by sums
  const Interp *nearest = nullptr;            ///< or nearest

  /// Whether it makes its channels block by block.
  bool hasWeights() const { return conv || upConv; }
  /// A convolution whose one command makes the result itself, without sums of 32 bits.
  bool sumsInPlace() const { return conv && conv->floats() && inputs.size() == 1; }
  bool resizes() const { return blend || nearest; }
  /// Bands and pieces of the result are multiples of it, but the last.
  int64_t rowUnit() const { return upConv ? 2 : conv && conv->rotate ? conv->y.insert + 1 : 1; }
};

/// Which cells of the small tensor of an UpConv the cells of its result see, as a window over a
/// small tensor with a zero behind every cell: two of them, which ones depends on the phase.
codegen::WindowAxis upConvAxis(int64_t in, int64_t out);

struct GroupWork {
  std::vector<GroupTensor> tensors;
  std::vector<GroupOp> ops; ///< each after those that make its inputs
};

/// The cheapest way to run the group; nullopt if none fits local memory or the commands' limits.
std::optional<LayerPlan> planGroup(const GroupWork &work, const Options &options);

} // namespace tessera::schedule
