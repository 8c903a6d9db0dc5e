#pragma once
// Parallel loops of the kernels, which a caller that runs several images side by side turns off in
// its own threads: one level of parallelism at a time.
#include "tessera/support/parallel.h"

namespace tessera::interpret {

/// While it lives, kernels called by this thread run on this thread alone. Nests.
class SerialScope {
public:
  explicit SerialScope(bool on = true);
  ~SerialScope();
  SerialScope(const SerialScope &) = delete;
  SerialScope &operator=(const SerialScope &) = delete;

private:
  bool before_;
};

/// parallelFor, or one call body(0, n) inside a SerialScope.
void forRange(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)> &body);

} // namespace tessera::interpret
