#pragma once
// The table of ops that get another precision than the rest, in TPU-MLIR's text.
#include "tessera/support/status.h"

#include <filesystem>
#include <map>
#include <string>

namespace tessera::quantize {

/// Precision (INT8, F16, BF16 or F32) by the name of an op's result.
using Modes = std::map<std::string, std::string>;

bool isMode(const std::string &mode);

/// Lines `op_name quantize_mode`; empty ones and those that begin with # count for nothing. Errors
/// "bad-qtable", all at once, by line.
Result<Modes> readQtable(const std::filesystem::path &path);

} // namespace tessera::quantize
