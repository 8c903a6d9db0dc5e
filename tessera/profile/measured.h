#pragma once
// A profile as measurements: what each command of a bmodel took, from a file of this program's JSON
// (start and end replaced by measured ones) or of the vendor's compiler_profile layout.
#include "tessera/bmodel/bmodel.h"
#include "tessera/cycles/fit.h"

namespace tessera::profile {

struct Measured {
  /// Of each command group, in order; decoded from the file's words or the bmodel.
  std::vector<std::array<std::vector<isa::Command>, 2>> groups;
  std::vector<cycles::Sample> samples; ///< no system commands
  uint64_t totalCycles = 0;            ///< what the file says all groups took

  /// The same by a preset. Errors of the timeline.
  Result<uint64_t> estimate(const cycles::Preset &) const;
};

/// `model`: whose commands a text counts; JSON holds them itself. Errors "bad-profile" are located
/// at line or command: damaged rows, ids that the model does not have, an end before its start.
Result<Measured> readMeasured(const std::string &file, const bmodel::Model *model);
/// The same of a file's text; errors call it `file`.
Result<Measured> parseMeasured(std::string_view text, const std::string &file,
                               const bmodel::Model *model);

} // namespace tessera::profile
