#pragma once
// Runs a bmodel on the simulator as the vendor's runtime runs it on a board: loads the
// coefficients, binds inputs, executes every command group and hands back the outputs as floats.
#include "tessera/bmodel/bmodel.h"
#include "tessera/sim/plan.h"
#include "tessera/tensor/tensor.h"

#include <filesystem>
#include <memory>
#include <mutex>

namespace tessera::runtime {

struct RunOptions {
  /// Also the inputs and every inner tensor that the file's table names (bmodel/origins.h), those
  /// that live only in local memory included, as real values. Error "no-tensor-table" when the file
  /// holds none.
  bool dumpAllTensors = false;
  /// Watches every command; may be null.
  sim::RunHooks *hooks = nullptr;
};

class Steps;

/// A loaded bmodel. run() may be called from several threads at once: each call has its own
/// machine, which is kept for later calls.
class Session {
public:
  /// Reads and decodes the file's net selected. Errors: those of bmodel::select; "bad-file";
  /// "unsupported-subnet" for dynamic stages and for subnets that run elsewhere than on the TPU;
  /// "unsupported-model" for another chip; the decoder's errors with the file in front. Whether the
  /// coefficients match their check code is found out in the background and told by run().
  static Result<Session> open(const std::filesystem::path &bmodel,
                              const bmodel::Selection &selection = {});
  /// The same from memory; `where` stands for the file in messages.
  static Result<Session> create(bmodel::Model model, const std::string &where,
                                std::shared_future<Status> check = {});

  const bmodel::Model &model() const { return data_->model; }

  /// Inputs by the bmodel's tensor names: F32, or the stored type as it is. F32 for an integer
  /// tensor is stored as round_half_away(value * scale + zero point), saturated. The stage is the
  /// first whose input shapes are those given. Outputs under the bmodel's names as F32, integers as
  /// (value - zero point) * scale. Errors: "missing-input", "unknown-input", "shape-mismatch",
  /// "bad-dtype"; before anything runs "out-of-memory" for outputs that the host cannot hold and
  /// "bad-address" for those outside the model's memory; those of the simulator with file, group,
  /// stream and instruction.
  Result<TensorMap> run(const TensorMap &inputs, const RunOptions &options = {}) const;

  /// The same run for somebody who looks on: one command at a time.
  Result<Steps> begin(const TensorMap &inputs) const;

  /// Bytes of host memory that one run() takes at most, its inputs and outputs as F32 among them,
  /// beside the coefficients, which are shared; 2^64 - 1 where a shape is more than can be counted.
  uint64_t runBytes() const;

private:
  friend class Steps;
  struct Data {
    std::string where;
    bmodel::Model model;
    std::shared_future<Status> check; ///< of the coefficients; none for a model from memory
    std::vector<std::vector<sim::Plan>>
        groups; ///< of each stage, over its subnets in running order
    /// Machines of each stage that no run uses at the moment, as their last run left them.
    std::mutex mutex;
    std::vector<std::vector<std::unique_ptr<sim::Machine>>> idle;
  };
  Result<size_t> stageFor(const TensorMap &inputs) const;
  Result<std::unique_ptr<sim::Machine>> takeMachine(size_t stage) const;
  /// Stores the inputs; the outputs have to lie in memory too.
  Status bind(sim::Machine &, size_t stage, const TensorMap &inputs) const;
  Result<TensorMap> readOutputs(sim::Machine &, size_t stage) const;

  std::shared_ptr<Data> data_;
};

/// Stored values as real ones: (value - zero point) * scale, F32.
Result<Tensor> realValues(const bmodel::TensorInfo &info, const uint8_t *stored);

/// A run under way. Commands of a group in the order of sim::order, groups one after the other.
class Steps {
public:
  struct At {
    size_t group = 0;
    sim::Place place{};
  };
  sim::Machine &machine() { return *machine_; }
  size_t stage() const { return stage_; }
  /// Commands of all groups, and how many have run.
  size_t size() const { return list_.size(); }
  size_t position() const { return next_; }
  bool done() const { return next_ == list_.size(); }
  /// Any of them, in the order of running.
  const At &at(size_t k) const { return list_[k]; }
  const isa::Command &command(size_t k) const;
  /// Runs the next one. Errors as Session::run's; the run cannot go on then.
  Status step();
  /// What the last command asked for.
  const std::vector<sim::OperandUse> &operands() const { return operands_; }
  /// The model's outputs as they stand in memory.
  Result<TensorMap> outputs();

private:
  friend class Session;
  Steps(Session session, size_t stage) : session_(std::move(session)), stage_(stage) {}
  Session session_;
  size_t stage_, next_ = 0;
  std::unique_ptr<sim::Machine> machine_;
  std::vector<At> list_;
  std::vector<sim::OperandUse> operands_;
};

} // namespace tessera::runtime
