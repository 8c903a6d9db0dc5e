#pragma once
// What is fuzzed: everything that reads a file of somebody else's up to the simulator. A target
// takes any bytes and must come back, with an error that names what and where if it refuses them.
#include "tessera/bmodel/bmodel.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::fuzz {

using Bytes = std::vector<uint8_t>;

struct Outcome {
  std::string broken;    ///< a broken promise, e.g. an error without a place; else empty
  std::string signature; ///< how it ended, without numbers and names: tells outcomes apart
};

struct Target {
  std::string_view name;
  Outcome (*run)(std::span<const uint8_t>);
};

/// "container": a bmodel file, read, described, written again, loaded and run.
/// "stream": a 4-byte length of a TIU stream, that stream, a GDMA stream; decoded, verified,
/// priced, planned and run on a small machine.
/// "preset": changes as of --what-if, one a line, and behind them a cycle preset, with which a few
/// commands are priced.
/// "profile": measurements of profiledModel(), in either form, and a preset fitted to them.
std::span<const Target> targets();

/// A few commands of either engine.
const bmodel::Model &profiledModel();

} // namespace tessera::fuzz
