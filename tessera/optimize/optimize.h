#pragma once
// Rewrites of the top dialect that leave every network output as it was (up to f32 rounding of
// weights folded in double) and make it cheaper or fitter for integers.
#include "tessera/ir/module.h"

#include <map>
#include <string>
#include <vector>

namespace tessera::optimize {

/// Whether a transposed convolution is composed with the convolution behind its concat.
enum class Composition : uint8_t {
  Never,
  WherePays, ///< where the cube takes fewer steps
  Always,    ///< wherever the pattern is (tests)
};

struct OptimizeOptions {
  /// Passes to leave out, by name (see passNames()); an unknown name is an error.
  std::vector<std::string> skip = {};
  Composition compose = Composition::Never;
};

struct PassCount {
  std::string pass;
  int64_t rewrites = 0;
};

struct OptimizeReport {
  std::vector<std::string> notes; ///< what could not be rewritten and why, for the user's eyes
  std::vector<PassCount> passes;  ///< in the order they ran
};

/// Runs the pipeline of pipeline.cpp on a top module. Afterwards the module verifies, unused
/// weights are gone from it, ids are 0, 1, ... in program order, and an op that stands for several
/// has the union of their origins. Errors: state is not TOP_F32, an unknown pass to skip, a module
/// that does not verify.
Result<OptimizeReport> optimize(ir::Module &module, const OptimizeOptions &options = {});

/// Names of the pipeline's passes in order.
std::vector<std::string> passNames();

/// For two-class networks, after optimize() and only where the user asks, because it changes the
/// output: one channel, class 1 minus class 0 (one_channel_head.cpp). Returns what it is now, for
/// the user's eyes. Errors "no-two-class-head", by the tensor that is in the way.
Result<std::string> oneChannelHead(ir::Module &module);

/// A tensor that equalizeConcats renamed: its values, and so its row of a calibration table, are
/// `factor` times those of `from` (1: only part of its channels grew, its range did not).
struct ScaledTensor {
  std::string from, to;
  double factor = 1;
};

/// For INT8, between calibration and quantization; not part of optimize(), which knows no ranges.
/// Makes inputs of a Concat larger by a power of two where its range is at least `ratio` times
/// theirs, so that they keep their levels at the Concat's one scale; float outputs stay equal in
/// every bit. Needed where folded pre-processing leaves a raw image (255) beside features.
/// `thresholds`: by tensor name. Returns the renamed tensors in program order of their Concats;
/// empty if there was nothing to do.
Result<std::vector<ScaledTensor>> equalizeConcats(ir::Module &module,
                                                  const std::map<std::string, double> &thresholds,
                                                  double ratio = 8);

} // namespace tessera::optimize
