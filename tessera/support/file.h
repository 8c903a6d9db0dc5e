#pragma once
// Whole-file input, and output that is written beside its target and renamed, so that a stopped or
// failed run never leaves a half-written file and never loses what was there.
#include "tessera/support/status.h"
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace tessera {

/// The bytes of `path`; error "bad-file" naming path and reason (missing, a folder, unreadable).
Result<std::vector<uint8_t>> readFile(const std::filesystem::path &path);
Result<std::string> readText(const std::filesystem::path &path);

/// Calls `write` with a fresh path in the same folder, then flushes and renames it onto `path`.
/// On any failure the temporary file is removed and `path` is as before. What is no regular file is
/// written to as it stands.
Status writeAtomically(const std::filesystem::path &path,
                       const std::function<Status(const std::filesystem::path &)> &write);
Status writeFile(const std::filesystem::path &path, std::span<const uint8_t> bytes);
Status writeText(const std::filesystem::path &path, const std::string &text);

/// Removes temporary files of writes under way; async-signal-safe. The CLI calls it on Ctrl-C.
void removeUnfinishedFiles() noexcept;

} // namespace tessera
