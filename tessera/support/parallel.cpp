#include "tessera/support/parallel.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

namespace tessera {
namespace {
std::unique_ptr<tbb::global_control> limit;
int limitedTo = 0;
} // namespace

void parallelFor(int64_t n, int64_t grain, const std::function<void(int64_t, int64_t)> &body) {
  if (n <= 0)
    return;
  tbb::parallel_for(tbb::blocked_range<int64_t>(0, n, std::max<int64_t>(grain, 1)),
                    [&](const auto &r) { body(r.begin(), r.end()); });
}

void parallelRuns(int64_t n, int runs, const std::function<void(int64_t)> &body) {
  std::atomic<int64_t> next{0};
  tbb::parallel_for(
      0, runs,
      [&](int) {
        // Isolated: a run that waits for its own pieces must not begin another one meanwhile.
        for (int64_t i; (i = next++) < n;)
          tbb::this_task_arena::isolate([&] { body(i); });
      },
      tbb::simple_partitioner());
}

int threadCount() { return limitedTo > 0 ? limitedTo : tbb::info::default_concurrency(); }

void setThreadCount(int n) {
  limitedTo = n;
  limit =
      n > 0 ? std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism, n)
            : nullptr;
}

} // namespace tessera
