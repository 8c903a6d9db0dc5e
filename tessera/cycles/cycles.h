#pragma once
// What a command costs and when a pair of streams runs, by the rules of the vendor's cycle estimate
// (reference cycles.md) and the constants of a preset. Compiler and simulator both ask here, so an
// estimate and a simulation of the same streams never differ. All arithmetic is on integers: rates
// are fractions, and a division rounds down once, last.
#include "tessera/cycles/preset.h"
#include "tessera/isa/isa.h"
#include <cstdint>
#include <span>
#include <vector>

namespace tessera::cycles {

/// Cycles of one command alone, at least 1; system commands (end, barrier, nop) cost 0. Commands
/// nobody has seen the estimator price get the estimate that docs/cycles.md states for their kind.
uint64_t commandCycles(const isa::Command &, const Preset & = inForce());
/// Whether the price rests on rows of the vendor's estimator of this kind of command (cycles.md 2,
/// 3) and not on an assumption of ours.
bool priceIsMeasured(const isa::Command &);
/// Which cost of a preset prices the command.
Kind kindOf(const isa::Command &);

/// What a GDMA command moves. Bytes count elements once, without the padding of short runs.
enum class Direction : uint8_t { Load, Store, System, Local }; ///< S2L, L2S, S2S, L2L
struct Traffic {
  Direction direction = Direction::System;
  uint64_t bytes = 0;
};
/// TIU and system commands move nothing.
Traffic traffic(const isa::Command &);

/// What a command does and what its unit could do: products of the cube (those with inserted zeros
/// not counted), element operations of the lanes (a pool's window is one a tap), bytes moved.
enum class Unit : uint8_t { None, Cube, Lanes, Transfer };
struct Work {
  Unit unit = Unit::None;
  uint64_t done = 0;
  double peak = 0; ///< a cycle
};
Work work(const isa::Command &, const Preset & = inForce());

/// Half open: the command runs in cycles start .. end - 1. A system command has start == end.
struct TimedCommand {
  uint64_t start = 0, end = 0;
};
struct Timeline {
  std::vector<TimedCommand> tiu, gdma; ///< one a command of each stream, in order
  uint64_t totalCycles = 0;
  uint64_t tiuBusy = 0, gdmaBusy = 0;
  uint64_t gdmaBytes = 0; ///< all directions
  uint64_t loadBytes = 0, storeBytes = 0;
};
/// When each command of one command group runs (cycles.md 1): each engine in order, a command
/// starts when its predecessor and the other engine's command with the id it waits for have ended;
/// engines never slow each other down. Error "deadlock" when the two streams wait for each other or
/// for an id that never comes, "bad-stream" when ids of a stream do not ascend.
Result<Timeline> timeline(std::span<const isa::Command> tiu, std::span<const isa::Command> gdma,
                          const Preset & = inForce());

} // namespace tessera::cycles
