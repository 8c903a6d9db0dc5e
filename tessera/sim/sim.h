#pragma once
// Runs real BM1684X command words on a Machine, exactly: integer results are those of the chip's
// rules in every bit, float results follow the measured order and rounding of every operation.
#include "tessera/isa/isa.h"
#include "tessera/sim/machine.h"

#include <functional>

namespace tessera::sim {

/// A command in its place of a stream.
struct Place {
  isa::Engine engine;
  size_t index; ///< in its stream, from 0
};

/// What a caller may watch. An empty function costs nothing.
struct RunHooks {
  /// After a command has changed memory. An error stops the run.
  std::function<Status(const Machine &, const Place &, const isa::Command &)> afterCommand;
};

/// Executes one command. Errors name the operation: "unsupported-instruction" for what the
/// simulator does not know, "bad-address", "bad-shape", "bad-index" for what the chip does not
/// allow.
Status execute(Machine &, const isa::Command &);

/// The order in which both streams' commands run: each stream in its own order, a command not
/// before the other engine has finished the id it waits for (bm1684x.md 3.14). Where ids allow,
/// what a convolution and the commands behind it wait for comes before them. Error "deadlock"
/// names the two commands that wait for each other.
Result<std::vector<Place>> order(std::span<const isa::Command> tiu,
                                 std::span<const isa::Command> gdma);

/// Executes both streams in dependency order. Errors name stream, position and operation.
Status run(Machine &, std::span<const isa::Command> tiu, std::span<const isa::Command> gdma,
           RunHooks *hooks = nullptr);

} // namespace tessera::sim
