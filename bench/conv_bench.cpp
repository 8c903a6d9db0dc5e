// The simulator's convolution kernels on the inner loop of a 3x3 convolution, 8 rows of 64 input
// channels and one of 512:
// each kernel this host can run, so that ratios come from one run. One thread; counter:
// multiply-accumulates.
#include "dot_limit.h"
#include "tessera/sim/kernels/conv.h"

#include <benchmark/benchmark.h>
#include <string>
#include <vector>

using namespace tessera::sim::kernels;

static void run(benchmark::State &state, const ConvKernel &kernel, CellFormat format) {
  const int64_t width = 304, rows = state.range(0), positions = width * rows,
                channels = state.range(1);
  const int64_t groups = channels / channelsPerCell(format);
  const int64_t groupStride = ((rows + 2) * (width + 2) + 2 * kMaxStep) * 4;
  std::vector<uint8_t> cells(groupStride * groups);
  for (size_t i = 0; i < cells.size(); ++i)
    cells[i] = static_cast<uint8_t>(i * 37 % 251);
  std::vector<int64_t> taps;
  for (int64_t y = 0; y < 3; ++y)
    for (int64_t x = 0; x < 3; ++x)
      taps.push_back((y * (width + 2) + x) * 4);
  std::vector<uint32_t> weights(groups * taps.size() * kBlockChannels, 0x01fe03fd);
  std::vector<int32_t> init(kBlockChannels, 0);
  const int64_t outStride = positions + kMaxStep;
  std::vector<int32_t> out(outStride * kBlockChannels);
  ConvTask task{cells.data(),         groupStride,    groups,      taps.data(),
                int64_t(taps.size()), weights.data(), init.data(), kBlockChannels,
                out.data(),           outStride,      positions,   false};
  auto *body = format == CellFormat::Bytes ? kernel.bytes : kernel.words;
  for (auto _ : state) {
    body(task);
    benchmark::ClobberMemory();
  }
  state.counters["MAC"] =
      benchmark::Counter(double(state.iterations()) * positions * kBlockChannels * channels * 9,
                         benchmark::Counter::kIsRate, benchmark::Counter::kIs1000);
}

static void limit(benchmark::State &state, const DotLimit &l) {
  double macs = 0;
  for (auto _ : state)
    macs += l.run(100000);
  state.counters["MAC"] =
      benchmark::Counter(macs, benchmark::Counter::kIsRate, benchmark::Counter::kIs1000);
}

int main(int argc, char **argv) {
  for (const ConvKernel &kernel : convKernels())
    if (DotLimit l = dotLimit(kernel.name); l.run)
      benchmark::RegisterBenchmark((std::string(kernel.name) + "/registers only").c_str(),
                                   [l](benchmark::State &s) { limit(s, l); });
  for (const ConvKernel &kernel : convKernels())
    for (CellFormat format : {CellFormat::Bytes, CellFormat::Words})
      if (format == CellFormat::Bytes ? kernel.bytes : kernel.words)
        benchmark::RegisterBenchmark(
            (std::string(kernel.name) + (format == CellFormat::Bytes ? "/bytes" : "/words"))
                .c_str(),
            [&kernel, format](benchmark::State &s) { run(s, kernel, format); })
            ->Args({8, 64})
            ->Args({1, 512})
            ->Unit(benchmark::kMicrosecond);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
