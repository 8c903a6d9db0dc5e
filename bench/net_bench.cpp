// A whole network on the simulator: net_bench X.bmodel IN.npz [EXPECTED.npz] [RUNS]. Prints the
// best time with one thread and with all, and how many outputs differ from those expected.
#include "tessera/runtime/runtime.h"
#include "tessera/sim/kernels/conv.h"
#include "tessera/support/parallel.h"
#include "tessera/tensor/npz.h"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fmt/format.h>

using namespace tessera;

static double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Processor time of all threads, which other programs on the machine change less.
static double processorSeconds() { return double(std::clock()) / CLOCKS_PER_SEC; }

static Status bench(int argc, char **argv) {
  if (argc < 3)
    return fail("bad-usage", "", "net_bench X.bmodel IN.npz [EXPECTED.npz] [RUNS]");
  TESSERA_ASSIGN(TensorMap inputs, readNpz(argv[2]));
  TESSERA_ASSIGN(auto session, runtime::Session::open(argv[1]));
  int runs = argc > 4 ? std::atoi(argv[4]) : 5;
  fmt::print("kernel {}\n", sim::kernels::convKernel().name);
  TensorMap outputs;
  double best[2] = {1e9, 1e9}, busy[2] = {1e9, 1e9};
  for (int threads : {0, 1}) {
    setThreadCount(threads);
    for (int i = 0; i < runs; ++i) {
      double start = seconds(), startBusy = processorSeconds();
      TESSERA_ASSIGN(outputs, session.run(inputs));
      best[threads] = std::min(best[threads], seconds() - start);
      busy[threads] = std::min(busy[threads], processorSeconds() - startBusy);
    }
    fmt::print("{:<12} {:8.1f} ms, {:.1f} ms of processors\n", threads ? "1 thread" : "all threads",
               1e3 * best[threads], 1e3 * busy[threads]);
  }
  fmt::print("all threads are {:.2f} times as fast as one\n", best[1] / best[0]);
  if (argc > 3) {
    TESSERA_ASSIGN(TensorMap expected, readNpz(argv[3]));
    for (const auto &[name, t] : outputs)
      if (const Tensor *e = expected.find(name)) {
        auto a = t.as<float>(), b = e->as<float>();
        size_t differ = a.size() == b.size() ? 0 : a.size();
        for (size_t i = 0; differ != a.size() && i < a.size(); ++i)
          differ += std::memcmp(&a[i], &b[i], 4) != 0;
        fmt::print("{}: {} of {} values differ\n", name, differ, a.size());
      }
  }
  return {};
}

int main(int argc, char **argv) {
  Status s = bench(argc, argv);
  if (!s)
    fmt::print(stderr, "{}\n", s.error().text());
  return s ? 0 : 1;
}
