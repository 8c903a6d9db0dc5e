#pragma once
// A user's own rewrites in `transform`.
#include "tessera/driver/stages.h"
#include "tessera/ir/module.h"

namespace tessera::driver {

/// Applies the pattern files of the options to an imported module and tells how often each pattern
/// did. Unless told otherwise the network runs before and after on random images: errors
/// ("pattern-changes-result") where an output differs by more than 2e-5 of its largest value, which
/// is what rounding of f32 sums and weights gives, or, of classes, in more than one of 1000.
Status applyPatterns(ir::Module &module, const TransformOptions &options, Report &report);

} // namespace tessera::driver
