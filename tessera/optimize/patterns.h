#pragma once
// Rewrites that a user gives as text: files of pdl.pattern ops of MLIR (docs/patterns.md).
#include "tessera/optimize/optimize.h"

namespace tessera::optimize {

/// Applies the patterns of `file` one after another, each until it matches nowhere, and returns how
/// often each did. New ops take the name and the origins of the op that they replace; the network's
/// outputs keep their names. What the patterns compute is not checked here. Errors, with file, line
/// and column: text that is not MLIR, anything but pdl.pattern in it, ops and attributes that the
/// top dialect lacks, unknown native functions and wrong operands of them, a pattern that does not
/// come to an end, results of a wrong shape. After an error the module is of no use.
Result<std::vector<PassCount>> applyPatterns(ir::Module &module, const std::filesystem::path &file);

} // namespace tessera::optimize
