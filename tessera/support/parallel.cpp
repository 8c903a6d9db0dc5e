#include "tessera/support/parallel.h"

#include <algorithm>
#include <memory>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>

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

int threadCount() { return limitedTo > 0 ? limitedTo : tbb::info::default_concurrency(); }

void setThreadCount(int n) {
  limitedTo = n;
  limit =
      n > 0 ? std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism, n)
            : nullptr;
}

} // namespace tessera
