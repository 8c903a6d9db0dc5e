#pragma once
// The plan of one layer: its slices and the local memory each needs, still without addresses.
#include "tessera/codegen/instruction.h"
#include "tessera/codegen/transfer.h"
#include "tessera/schedule/schedule.h"

#include <functional>
#include <optional>

namespace tessera::schedule {

/// A tensor, or a part of one, in global memory: NCHW sizes, strides in elements, offset in bytes.
struct View {
  int32_t buffer = -1;
  uint64_t offset = 0;
  std::array<int64_t, 4> shape{1, 1, 1, 1}, stride{0, 0, 0, 0};
  DType dtype = DType::I8;

  static View dense(int32_t buffer, uint64_t offset, const std::array<int64_t, 4> &shape,
                    DType dtype);
  bool isDense() const;
  /// Whether one element stands for every row and column of its channel.
  bool repeats() const { return stride[2] == 0 && stride[3] == 0 && shape[2] * shape[3] > 1; }
  /// The part from `begin` with `size`, every `step`-th element.
  View part(const std::array<int64_t, 4> &begin, const std::array<int64_t, 4> &size,
            const std::array<int64_t, 4> &step = {1, 1, 1, 1}) const;
  codegen::GlobalBox box() const;
  bool operator==(const View &) const = default;
};
std::array<int64_t, 4> shape4(const Shape &shape);

/// Loads `from` (n = 1) to a local tensor of its size; stores one.
codegen::Instruction loadTensor(const View &from, const codegen::LocalTensor &to);
/// To a place that is a part of a local tensor.
codegen::Instruction loadTensor(const View &from, codegen::LocalSide to);
codegen::Instruction storeTensor(const codegen::LocalTensor &from, const View &to);

/// A place in local memory that slices of one plan share in turn. With two copies a slice can be
/// loaded (or stored) while its neighbour computes.
struct SlotSpec {
  std::string role;
  int64_t bytes = 0; ///< a lane's
  int copies = 1;
  bool ownBank = false; ///< no other slot may start in the bank it starts in (requantize source)
};
/// What a slice wants in slot `slot`: content number `version`, in copy version % copies.
struct SlotUse {
  int slot = 0;
  int64_t version = 0;
};
using Addresses = std::vector<uint32_t>; ///< by slot, of the copies a slice uses

struct SliceWork {
  std::vector<SlotUse> inputs; ///< loaded by the first slice that wants the version
  std::vector<SlotUse> work;   ///< scratch, results, and what earlier slices left to be read
  std::function<codegen::Instructions(const Addresses &, int slot)> load;
  std::function<codegen::Instructions(const Addresses &)> compute, store; ///< may be empty
};

/// Gives room for constants: returns the buffer that holds the bytes.
using AddConstant = std::function<int32_t(std::vector<uint8_t> bytes)>;

struct LayerPlan {
  int32_t layer = -1;
  std::vector<SlotSpec> slots;
  std::vector<SliceWork> slices;
  std::string cut;
  uint64_t estimate = 0;   ///< estimateCycles; 0: not made yet
  std::vector<Way> others; ///< other cuts of the same, by their estimates, the cheapest first
  bool lifetimes = false;  ///< fits if what lives at the same time does; else all slots must
  size_t period = 1;       ///< slices after which the same comes again
  /// Builds the constants the slices load; called once, on the plan that was chosen. May be empty.
  std::function<void(const AddConstant &)> materialize;

  /// Its number.
  int addSlot(SlotSpec s) {
    slots.push_back(std::move(s));
    return int(slots.size()) - 1;
  }
  /// Bytes of a lane that all slots take when placed one behind another in empty memory.
  int64_t localBytes(int64_t capacity) const;
};
/// Bytes reserved for one copy of a slot.
int64_t reservedBytes(const SlotSpec &slot, int64_t capacity);

/// Cycles the plan takes by the rules of `cycles` when its loads and stores run beside its
/// computing: the slower engine, and what stands alone at both ends.
uint64_t estimateCycles(const LayerPlan &plan, int64_t capacity);

/// Adds a way to the few cheapest ones.
void addWay(std::vector<Way> &ways, Way way);

/// Of the plans that fit the one with the lowest estimate, or, where the options ask for a cut, the
/// one that is cut so, else any; nullopt if none fits.
class PlanChoice {
public:
  explicit PlanChoice(const Options &options) : options_(options) {}
  /// True if the plan fits local memory.
  bool offer(LayerPlan plan);
  /// Whether some plan fitted.
  bool any() const { return fits_; }
  std::optional<LayerPlan> take();

private:
  const Options &options_;
  bool fits_ = false;
  std::optional<LayerPlan> best_;
  std::vector<Way> others_;
};

} // namespace tessera::schedule
