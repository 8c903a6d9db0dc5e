#pragma once
// The one pool (TBB). Results never depend on the number of threads: bodies write disjoint outputs.
#include <cstdint>
#include <functional>

namespace tessera {

/// Runs body(begin, end) over pieces of [0, n), each at least `grain` long, on all cores.
void parallelFor(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)> &body);
/// Runs body(i) for every i in [0, n), in their order, at most `runs` of them at a time. Cores that
/// have no run of their own help in the parallelFor()s of the others.
void parallelRuns(int64_t n, int runs, const std::function<void(int64_t)> &body);
/// Number of worker threads in use.
int threadCount();
/// Limits all later parallel work to `n` threads (0 = all cores). For --threads.
void setThreadCount(int n);

} // namespace tessera
