#pragma once
// From a network to a program: every op cut into slices that fit local memory, slices placed there
// and ordered so that loads and stores run beside the compute engine, tensors placed in global
// memory.
#include "tessera/codegen/instruction.h"
#include "tessera/schedule/network.h"

#include <optional>

namespace tessera::schedule {

/// Whether convolutions of few input channels run over their unfolded windows (unfold.h).
enum class Unfolding : uint8_t {
  Never,
  WherePays, ///< by the estimate of both forms
  Always,    ///< wherever it takes the cube fewer steps, whatever the loads cost (tests)
};

/// Whether convolutions of few channels run with bands of rows side by side in the lanes (stack.h).
enum class Stacking : uint8_t { Never, WherePays, Always };

/// A choice that the search has to keep, by the names of results.
struct Pin {
  std::string first, last; ///< of the first and last layer of a group; equal: a layer on its own
  std::string cut;         ///< Way::cut; empty: any
};

struct Options {
  int64_t localBytes = chip::kLaneBytes; ///< of a lane; less forces more slices (tests)
  bool overlap = true;                   ///< false: load, compute, store strictly in turn
  Unfolding unfold = Unfolding::WherePays;
  Stacking stack = Stacking::WherePays;
  bool phases = true; ///< false: transposed convolutions run over inserted zeros (codegen/deconv.h)
  bool groups = true; ///< false: every layer reads and leaves its tensors in global memory
  std::vector<Pin> pins = {};
  std::string cut = {}; ///< for the planner of one layer or group: taken if it fits
};

/// A piece of global memory. Constants hold data and keep it; others live while they are used.
struct Buffer {
  std::string name;
  uint64_t bytes = 0;
  bool constant = false;
  std::vector<uint8_t> data; ///< constants
  /// First and last of `program` that use it; all for an input or output; none if its tensor stays
  /// in local memory. One engine does all transfers, in this order, so what is not used at the same
  /// time may share memory.
  std::optional<std::pair<size_t, size_t>> use{};
  uint64_t address = 0; ///< assigned by schedule()
};

/// A network input or output, stored densely in NCHW.
struct Port {
  std::string name;
  Shape shape;
  DType dtype = DType::F32;
  double scale = 0;
  int32_t buffer = -1;
  uint64_t offset = 0;
};

/// Where a layer's result can be read: in global memory once `program[lastStore]` has run (no
/// value: from the start), or, without a buffer, part by part as `completes` of the layer's
/// instructions says, or as the results of `parts`, where its readers took those instead.
struct StoredTensor {
  std::string name;
  Shape shape;
  DType dtype = DType::I8;
  double scale = 0;
  int32_t layer = -1;
  int32_t buffer = -1;
  uint64_t offset = 0;
  std::array<int64_t, 4> stride{0, 0, 0, 0}; ///< NCHW, elements
  std::optional<size_t> lastStore{};
  struct Part {
    int32_t layer = -1;
    std::array<int64_t, 4> begin{0, 0, 0, 0}; ///< of its result in this one
  };
  std::vector<Part> parts{}; ///< what they leave is zero
};

/// What the scheduler did with one layer, for readers.
struct LayerReport {
  std::string name, type;
  int64_t id = -1;
  std::vector<int64_t> from; ///< ids of the top ops
  int64_t slices = 0;
  std::string cut; ///< e.g. "4 row bands of 52 x 1 column bands of 304, 2 channel blocks"
};

/// A way to run some layers, and what it takes when nothing else runs.
struct Way {
  std::string cut;
  uint64_t cycles = 0;
};
/// Layers that run as one, and what else could have been done from the first of them on.
struct Choice {
  int32_t first = -1, last = -1; ///< inclusive
  bool group = false;            ///< else a layer on its own, with those that run on its result
  Way taken;
  struct Other {
    int32_t last = -1;
    bool group = false;
    Way way;
    uint64_t more = 0; ///< cycles that the network would take more
  };
  std::vector<Other> others = {}; ///< the cheapest first
};

struct Schedule {
  std::string name;
  std::vector<Buffer> buffers;
  /// In an order that gives the right result if run strictly one by one; each engine keeps this
  /// order.
  codegen::Instructions program;
  std::vector<Port> inputs, outputs;
  /// The results of all layers, in network order.
  std::vector<StoredTensor> stored;
  std::vector<LayerReport> layers; ///< by layer index of the network
  std::vector<Choice> choices;     ///< in network order
  uint64_t coefficientBytes = 0, neuronAddress = 0, neuronBytes = 0;

  /// Layers, slices, buffers with addresses and lifetimes, one a line.
  std::string text() const;
};

/// Errors: every layer that has no integer form or cannot be cut to fit, each by tensor and op
/// name.
Result<Schedule> schedule(const Network &network, const Options &options = {});

} // namespace tessera::schedule
