#pragma once
// Both streams of a command group, put in order once, to be run any number of times.
#include "tessera/sim/sim.h"

namespace tessera::sim {

/// What can be settled without a machine: the order of the commands, that each of them is known,
/// and which neighbours are done in one pass. Run it on as many machines as wanted, also at once.
class Plan {
public:
  /// Errors: those of order(), and "unsupported-instruction" for every command that the simulator
  /// does not know, so that nothing runs up to it. Names stream, position and operation.
  static Result<Plan> make(std::vector<isa::Command> tiu, std::vector<isa::Command> gdma);

  /// Executes the group. Memory ends as if every command ran alone, one after the other; with a
  /// watcher they do. Errors as run().
  Status run(Machine &, const RunHooks *hooks = nullptr) const;

  std::span<const isa::Command> stream(isa::Engine e) const { return streams_[int(e)]; }
  const isa::Command &at(const Place &p) const { return streams_[int(p.engine)][p.index]; }
  /// Every command in the order of running.
  std::span<const Place> places() const { return places_; }

private:
  std::vector<isa::Command> streams_[2];
  std::vector<Place> places_;
  std::vector<uint8_t> chain_; ///< of every place: commands from there on that may go in one pass
};

} // namespace tessera::sim
