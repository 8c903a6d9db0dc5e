#pragma once
// Private to this room: the scheduler's state and its steps, each in the file named beside it.
#include "tessera/schedule/plan_group.h"
#include "tessera/schedule/plan_ops.h"
#include "tessera/schedule/schedule.h"

#include <map>
#include <set>

namespace tessera::schedule {

inline bool isQuantized(DType t) { return t == DType::I8 || t == DType::U8; }

/// Whether a group's convolutions read what this layer is made of instead of its result.
inline bool isPassed(const Layer &layer) { return isOneOf<Concat, Pad>(layer.op); }

/// Options::pins by places in the list of layers that run themselves.
struct Pinned {
  size_t first = 0, last = 0;
  const Pin *pin = nullptr;
};

class Scheduler {
public:
  Scheduler(const Network &network, const Options &options) : net_(network), options_(options) {
    out_.name = network.name;
  }

  Result<Schedule> run();

private:
  const NetTensor &tensor(int32_t t) const { return net_.tensors[size_t(t)]; }
  std::array<int64_t, 4> shape(int32_t t) const { return shape4(tensor(t).shape); }
  const View &view(int32_t t) const { return views_[size_t(t)]; }

  // check.cpp: what can be scheduled at all.
  void refuse(const Layer &layer, std::string message, std::string hint);
  /// Refuses, all at once, what has no integer form.
  Status checkAll();
  /// What the fields of the command cannot say about a layer's window; empty if nothing.
  std::string windowProblem(const Layer &layer) const;
  /// The reason for a layer of which no slice fits.
  std::string tooLarge(const Layer &layer) const;

  // place.cpp: where tensors live.
  int32_t addBuffer(std::string name, uint64_t bytes, std::vector<uint8_t> data = {});
  View ownBuffer(int32_t t);
  /// Part of a Concat's result that input i fills; of a Pad's result the part that its input fills.
  View insideOf(const Layer &layer, size_t i) const;
  void placeTensors();
  /// By layer: whether it repeats one element over rows and columns, or one channel over others,
  /// for ops that can read it as it is.
  std::vector<bool> repeatingLayers() const;
  /// Where each layer's result lies, and after which command it is whole.
  void listStored();
  /// The results of which `t` is made; false if some is no layer's.
  bool addParts(int32_t t, std::array<int64_t, 4> begin,
                std::vector<StoredTensor::Part> &parts) const;
  /// Finds when the program uses each buffer.
  void listUses();
  Status assignAddresses();

  // fuse.cpp.
  /// Which layers run on a convolution's result before it leaves local memory: element-wise ops of
  /// one input, and max pools whose windows tile it.
  void fuseEpilogues();
  /// What layer l does behind its convolution, in network order.
  std::vector<Epilogue> epiloguesOf(int32_t l) const;
  /// The recipe of an element-wise layer; none for other layers.
  std::optional<codegen::Elementwise> recipeOf(const Layer &layer) const;
  /// Whether somebody but the fused layers reads a layer's result.
  bool readElsewhere(int32_t l) const;
  /// With its epilogues, or without them where they do not fit local memory too.
  std::optional<LayerPlan> planFused(int32_t l);

  // group_work.cpp, group.cpp: chains of layers that stay in local memory.
  class GroupBuilder;
  /// The layers of hosts first to last, with those that run on their results; nullopt where one of
  /// them or a tensor cannot stay inside. `form` is of convolutions that read nothing of the group.
  std::optional<GroupWork> groupWork(const std::vector<int32_t> &hosts, size_t first, size_t last,
                                     Unfolded form) const;
  /// Replaces the plans of layers that are cheaper as a group: the first layer's becomes the
  /// group's, the others run nothing.
  void planGroups(std::vector<LayerPlan> &plans);
  /// The pins of the options by hosts; adds to errors_ what names no layer, or one twice.
  std::vector<Pinned> pinned(const std::vector<int32_t> &hosts);

  // plan_move.cpp: layers that only move data.
  /// A copy of `in` to `out`, whose shapes may differ but not the element order (both dense then).
  std::optional<LayerPlan> planMove(const Layer &layer, const View &in, const View &out);
  std::optional<LayerPlan> planConcat(int32_t l);
  std::optional<LayerPlan> planPad(int32_t l);
  void addFills(codegen::Instructions &list, const View &v, uint32_t value);
  /// Slots of appended plans with equal roles become one slot, so that the parts share local
  /// memory.
  static LayerPlan joinSlots(LayerPlan plan);

  // schedule.cpp: one layer.
  /// Nothing for layers that are no convolution.
  std::optional<ConvWork> convWork(int32_t l) const;
  std::optional<LayerPlan> planLayer(int32_t l);
  /// With the cut that a pin asks of the layer.
  Options optionsOf(int32_t l) const;
  /// Plans the layers that take long to plan, side by side; nothing for those that do not fit.
  void planConvs();

  const Network &net_;
  const Options &options_;
  Schedule out_;
  Error errors_;
  std::vector<View> views_;                          ///< by tensor
  std::vector<std::pair<int32_t, int32_t>> groupOf_; ///< by layer: first and last of its group
  std::vector<std::optional<LayerPlan>> convPlans_;  ///< by layer, with what is fused into it
  std::vector<int32_t> fusedInto_; ///< by layer: the convolution that does it, or -1
  std::vector<int32_t> aliased_;   ///< by tensor: the Concat or Pad whose result holds it, or -1
  std::map<int32_t, size_t> aliasIndex_;
  std::set<int32_t> shared_; ///< results that see their input's memory
};

} // namespace tessera::schedule
