#pragma once
// Both simulators side by side: plays cases on them from the same random memory and says where
// they part.
#include "test/soak/memory.h"
#include "test/soak/vendor.h"

#include "tessera/sim/sim.h"

namespace tessera::soak {

class Arena {
public:
  static Result<Arena> open(const std::string &program, const std::string &library);

  /// How a row of cases ended.
  struct Outcome {
    enum Kind {
      Equal,
      Differs,       ///< memory: `spans`
      OursRefuses,   ///< `said`; the vendor's executed it
      TheirsRefuses, ///< `said`; memory before this case was not compared
    } kind = Equal;
    size_t index = 0; ///< of the case; Differs: the cases up to this one, unless `exact`
    bool exact = false;
    std::string said;
    std::vector<Span> spans;
    bool oursToo = false; ///< TheirsRefuses: ours does as well
  };

  /// Fills both memories from `seed`.
  void fill(uint64_t seed);
  /// Plays cases in turn on both; stops at a refusal. Compares all memory at the end, and what a
  /// tolerance is for at once, where ours then takes the vendor's value.
  Outcome play(const std::vector<Case> &cases);
  Outcome play(uint64_t seed, const std::vector<Case> &cases) {
    fill(seed);
    return play(cases);
  }

  /// Binds the cases to two streams in their order: ids, and dependencies so that a command waits
  /// for some command of the other engine that stands before it, in one chosen by `draw`. Ours runs
  /// them as one plan, the vendor's one by one in the plan's order; patches are written first.
  Outcome playStreams(uint64_t seed, const std::vector<Case> &cases, Draw &draw);

  sim::Machine &machine() { return *machine_; }
  const Memories &ours() const { return ours_; }
  Vendor &vendor() { return vendor_; }

private:
  Arena(Vendor v) : vendor_(std::move(v)), machine_(std::make_unique<sim::Machine>()) {
    ours_ = memoriesOf(*machine_);
  }
  /// Takes the vendor's bytes where the difference is tolerated; else lists it.
  std::vector<Span> settle(const Tolerance &);

  Vendor vendor_;
  std::unique_ptr<sim::Machine> machine_;
  Memories ours_;
};

/// Makes the case smaller as long as both still part in the same way (memory, or ours refuses).
/// Both memories are filled from `seed` before each trial. `trials` counts what was tried.
Case shrink(Arena &, uint64_t seed, const Case &, int &trials);

} // namespace tessera::soak
