#pragma once
// Why a schedule is as it is: its groups with what else could have been done and what that would
// cost, and for every layer what it computes, moves and waits for, and what would help.
#include "tessera/profile/profile.h"
#include "tessera/schedule/schedule.h"

namespace tessera::explain {

struct Explanation {
  nlohmann::ordered_json json;
  std::string text;
};

/// `p` is the profile of what `s` was emitted as. At most `others` alternatives a choice.
Explanation explain(const schedule::Network &network, const schedule::Schedule &s,
                    const profile::Profile &p, size_t others = 3);

/// What would make a layer faster, a sentence each: only what its numbers show. `cut` is how it
/// runs.
std::vector<std::string> advice(const schedule::Network &network, int32_t layer,
                                const std::string &cut, const profile::Sum &sum,
                                uint64_t totalCycles);

} // namespace tessera::explain
