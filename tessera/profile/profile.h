#pragma once
// Where the cycles of a bmodel go: when each command runs by the cycle model (docs/cycles.md), what
// it moves, what it waited for, which op it is of, and the same summed up by op and by kind of
// command. docs/profile.md explains every number.
#include "tessera/bmodel/origins.h"
#include "tessera/cycles/cycles.h"

namespace tessera::profile {

struct Row {
  isa::Engine engine = isa::Engine::Tiu;
  size_t group = 0, index = 0; ///< of the stage; in its stream
  isa::Command command;
  uint32_t id = 0, dep = 0;
  std::string operation;          ///< isa::operationName
  uint64_t start = 0, end = 0;    ///< half open, over all groups one after the other
  uint64_t stall = 0;             ///< cycles its engine stood still before it
  int64_t waitedFor = -1;         ///< row of the other engine's command that it stood still for
  int32_t layer = -1, slice = -1; ///< index in origins.layers
  cycles::Traffic traffic;
  cycles::Work work;
  bool measured = true; ///< false: the price is assumed (docs/cycles.md)
  uint64_t cycles() const { return end - start; }
  /// Share of its unit's peak, 0 to 1; 0 for system commands.
  double use() const { return cycles() ? double(work.done) / work.peak / double(cycles()) : 0; }
};

/// Sums over rows.
struct Sum {
  uint64_t tiuCycles = 0, gdmaCycles = 0, tiuStall = 0, gdmaStall = 0;
  uint64_t cubeCycles = 0;
  uint64_t loadBytes = 0, storeBytes = 0, otherBytes = 0;
  uint64_t products = 0; ///< of the cube
  double cubeWork = 0;   ///< cycles that the cube would need at its peak
  uint64_t commands = 0, assumed = 0;
  uint64_t first = ~uint64_t(0), last = 0; ///< cycles
  void add(const Row &);
  double cubeUse() const { return cubeCycles ? cubeWork / double(cubeCycles) : 0; }
};

struct Profile {
  std::string net;
  cycles::Preset preset; ///< what the cycles are by
  bmodel::Origins origins;
  std::vector<Row> rows; ///< groups in order, in each the TIU's stream and then the GDMA's
  /// First row of each group's TIU and GDMA commands, and the end.
  std::vector<std::array<size_t, 3>> groups;
  uint64_t totalCycles = 0;
  uint64_t bothBusy = 0; ///< cycles in which both engines run
  Sum total;
  double milliseconds() const { return preset.milliseconds(totalCycles); }
  uint64_t operations = 0; ///< of the network where the file says so, else of its commands
  bool operationsStated = false;
  /// "Conv2D_19" or "unknown_op".
  std::string label(const Row &) const;
};

/// Of the first net's stage, by the preset in force. Errors of the decoder, "deadlock",
/// "unsupported-subnet" for a stage without command words, "bad-option" for a stage that is not
/// there, "bad-file" for a damaged side table.
Result<Profile> profile(const bmodel::Model &model, size_t stage, const std::string &where);

/// The vendor's compiler_profile_0.txt: both engines side by side, start, end and length of every
/// command with the ids, for transfers direction, bytes and GiB/s.
std::string compilerProfileText(const Profile &);
/// Everything, for programs.
nlohmann::ordered_json profileJson(const Profile &);
/// Chrome's trace events, for Perfetto or chrome://tracing: a track an engine with op, slice and
/// command nested, arrows for waits that cost time, counters of memory rate and cube use.
nlohmann::ordered_json chromeTrace(const Profile &);
/// A page for people: totals, the ops by cycles, the kinds of commands, the longest waits.
std::string summaryText(const Profile &, size_t rows = 20);

} // namespace tessera::profile
