#pragma once
// Rewrites of the top dialect that leave every network output as it was (up to f32 rounding of
// weights folded in double) and make it cheaper or fitter for integers.
#include "tessera/ir/module.h"

#include <map>
#include <string>
#include <vector>

namespace tessera::optimize {

struct OptimizeOptions {
  /// Passes to leave out, by name (see passNames()); an unknown name is an error.
  std::vector<std::string> skip;
};

struct PassCount {
  std::string pass;
  int64_t rewrites = 0;
};

struct OptimizeReport {
  std::vector<std::string> notes; ///< what could not be rewritten and why, for the user's eyes
  std::vector<PassCount> passes;  ///< in the order they ran
};

/// Runs the pipeline of pipeline.cpp on a top module. Afterwards the module verifies, unused weights
/// are gone from it, ids are 0, 1, ... in program order, and an op that stands for several has the
/// union of their origins. Errors: state is not TOP_F32, an unknown pass to skip, a module that does
/// not verify.
Result<OptimizeReport> optimize(ir::Module &module, const OptimizeOptions &options = {});

/// Names of the pipeline's passes in order.
std::vector<std::string> passNames();

} // namespace tessera::optimize
