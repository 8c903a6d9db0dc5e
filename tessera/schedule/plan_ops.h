#pragma once
// One planner per kind of op. Each offers the cuts it can think of and keeps the cheapest; nullopt
// means that no cut fits local memory or keeps the command fields' limits (the caller refuses by
// name).
#include "tessera/codegen/conv2d.h"
#include "tessera/codegen/elementwise.h"
#include "tessera/schedule/plan.h"
#include "tessera/schedule/stack.h"
#include "tessera/schedule/unfold.h"

#include <memory>

namespace tessera::schedule {

/// An op that runs on a convolution's result while it lies in local memory.
struct Epilogue {
  std::optional<codegen::Elementwise> recipe; ///< none: a max pool without padding, stride = kernel
  codegen::WindowAxis poolY, poolX;
  bool relu = false; ///< of the pool
  View output;
  int32_t layer = -1; ///< the commands' origin
};

struct ConvWork {
  View input, output;
  Tensor filter; ///< dense over groups, or of each channel alone
  Tensor bias;   ///< may be empty
  std::vector<int32_t> multiplier, rshift, padValue;
  codegen::WindowAxis y, x;
  bool rotate = false;
  bool depthwise = false; ///< filter [c, 1, kh, kw]: channel by channel
  bool relu = false;      ///< of floats
  std::vector<Epilogue> epilogues = {};
  bool storeResult = true; ///< false: only epilogues want it
  /// The input is loaded with its kernel's cells as channels; filter and axes are those of the 1x1
  /// convolution over them.
  std::optional<Unfold> unfold = {};
  /// The input is loaded as bands side by side; everything else is of the stacked convolution.
  std::optional<Stack> stack = {};

  /// One command makes the result: no sums in int32.
  bool floats() const { return dtypeIsFloat(input.dtype); }
  int64_t inputChannels() const { return filter.dim(depthwise ? 0 : 1); }
  /// Without `depthwise`.
  ConvWork dense() const;
};
/// What of the kernel becomes channels: all of it, or its rows only, which loads the input fewer
/// times.
enum class Unfolded : uint8_t { Cells, Rows };
/// The same convolution over its unfolded input; nullopt if that takes the cube no fewer steps, or
/// padding differs by channel, or of floats, whose sums depend on their order.
std::optional<ConvWork> unfolded(const ConvWork &work, Unfolded what = Unfolded::Cells);
std::optional<LayerPlan> planConv(const ConvWork &work, const Options &options);

struct UpConvWork {
  View x, skip, output;
  UpConv op;
};
std::optional<LayerPlan> planUpConv(const UpConvWork &work, const Options &options);

struct PoolWork {
  View input, output;
  codegen::WindowAxis y, x;
  bool relu = false;
  std::optional<MulShift> average = {}; ///< none: the largest
};
std::optional<LayerPlan> planPool(const PoolWork &work, const Options &options);

/// Result element i from element i of every input. No recipe: a copy of the one input.
struct ElementwiseWork {
  std::vector<View> inputs;
  View output;
  std::optional<codegen::Elementwise> recipe;
};
std::optional<LayerPlan> planElementwise(const ElementwiseWork &work, const Options &options);

/// A copy of `from` to `to`, views of one shape, whose elements lie in another order.
std::optional<LayerPlan> planPermute(const View &from, const View &to, const Options &options);

/// Bytes that every lane holds, loaded once: a slot of a plan whose first content is they.
class LaneTable {
public:
  explicit LaneTable(std::vector<uint8_t> bytes)
      : held_(std::make_shared<Held>(std::move(bytes), -1)) {}
  int64_t size() const { return int64_t(held_->bytes.size()); }
  /// LayerPlan::materialize.
  void addTo(const AddConstant &add) const;
  codegen::Instructions load(uint32_t address) const;
  /// As a recipe's last scratch tensor.
  codegen::LocalTensor at(uint32_t address) const {
    return {address, DType::U8, chip::kLanes, 1, size()};
  }

private:
  struct Held {
    std::vector<uint8_t> bytes;
    int32_t buffer; ///< of the program
    Held(std::vector<uint8_t> b, int32_t at) : bytes(std::move(b)), buffer(at) {}
  };
  std::shared_ptr<Held> held_; ///< by all slices
};

/// The views with neighbouring axes joined wherever all of them allow it, back in four axes (ones
/// in front). Order of elements is kept, so any of them may be walked in the new shape.
std::vector<View> joinAxes(const std::vector<View> &views);

/// Over the values of one axis, F32.
std::optional<LayerPlan> planSoftmax(const View &in, const View &out, size_t axis,
                                     const Options &options);

struct InterpWork {
  View input, output;
  std::vector<int64_t> rows, columns; ///< of a nearest one
  AxisTaps rowTaps, columnTaps;       ///< of any other
};
std::optional<LayerPlan> planInterp(const InterpWork &work, const Options &options);

/// Appends the slices of `more` behind `plan`'s; their slots are joined by role.
void appendPlan(LayerPlan &plan, LayerPlan more);

} // namespace tessera::schedule
