#include "tessera/codegen/pool2d.h"
#include "tessera/schedule/cuts.h"
#include "tessera/schedule/plan_ops.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace tessera::schedule {

using namespace codegen;

std::optional<LayerPlan> planPool(const PoolWork &work, const Options &options) {
  if (std::max(work.y.dilation, work.x.dilation) > chip::kMaxDilation)
    return std::nullopt;
  // A stride that no field holds: results one by one, so that none is needed.
  auto single = [](const WindowAxis &a) { return a.stride > chip::kMaxWindowStride; };
  auto oneByOne = [&](WindowAxis a) {
    a.stride = single(a) ? 1 : a.stride;
    return a;
  };
  const WindowAxis axisY = oneByOne(work.y), axisX = oneByOne(work.x);
  PlanChoice choice(options);
  int deep = options.overlap ? 2 : 1;
  int64_t channels = work.output.shape[1], slots = chip::slots(0, channels);
  int64_t inBytes = dtypeSize(work.input.dtype), outBytes = dtypeSize(work.output.dtype);
  auto offer = [&](int64_t slotsPerBlock, int64_t rowBands, int64_t columnBands) {
    auto rows = std::make_shared<std::vector<AxisSlice>>(splitAxis(work.y, rowBands));
    auto columns = std::make_shared<std::vector<AxisSlice>>(splitAxis(work.x, columnBands));
    if (rows->empty() || columns->empty())
      return false;
    int64_t in = 0, out = 0, block = std::min(slotsPerBlock * chip::kLanes, channels);
    for (const AxisSlice &y : *rows)
      for (const AxisSlice &x : *columns) {
        in = std::max(in, chip::alignedLaneBytes(0, 1, block, y.inputs(), x.inputs(), inBytes));
        out =
            std::max(out, chip::alignedLaneBytes(0, 1, block, y.outputs(), x.outputs(), outBytes));
      }
    LayerPlan plan;
    plan.slots = {{"result", out, deep}, {"input", in, deep}};
    if (plan.localBytes(options.localBytes) > options.localBytes)
      return false;
    int64_t number = 0;
    for (int64_t n = 0; n < work.output.shape[0]; ++n)
      for (int64_t c = 0; c < channels; c += block)
        for (const AxisSlice &y : *rows)
          for (const AxisSlice &x : *columns) {
            int64_t count = std::min(block, channels - c);
            auto input = [=](const Addresses &a) {
              return LocalTensor{a[1], work.input.dtype, count, y.inputs(), x.inputs()};
            };
            auto result = [=](const Addresses &a) {
              return LocalTensor{a[0], work.output.dtype, count, y.outputs(), x.outputs()};
            };
            SliceWork s;
            s.inputs = {{1, number}};
            s.work = {{0, number}};
            s.load = [=](const Addresses &a, int) -> Instructions {
              return {loadTensor(
                  work.input.part({n, c, y.in0, x.in0}, {1, count, y.inputs(), x.inputs()}),
                  input(a))};
            };
            s.compute = [=](const Addresses &a) -> Instructions {
              if (work.average)
                return averagePool(input(a), y, x, axisY, axisX, result(a),
                                   work.average->multiplier, work.average->rshift);
              return maxPool(input(a), y, x, axisY, axisX, result(a), work.relu);
            };
            s.store = [=](const Addresses &a) -> Instructions {
              return {
                  storeTensor(result(a), work.output.part({n, c, y.out0, x.out0},
                                                          {1, count, y.outputs(), x.outputs()}))};
            };
            plan.slices.push_back(std::move(s));
            ++number;
          }
    plan.cut =
        fmt::format("{} x {} bands, channel blocks of {}", rows->size(), columns->size(), block);
    return choice.offer(std::move(plan));
  };
  for (int64_t s = slots; s >= 1; s = s == 1 ? 0 : chip::ceilDiv(s, 2)) {
    int64_t tries = 0;
    for (int64_t columns = single(work.x) ? work.x.out : 1; columns <= work.x.out && tries < 1;
         columns += std::max<int64_t>(1, columns / 4)) {
      int64_t kept = 0;
      for (int64_t rows = single(work.y) ? work.y.out : 1; rows <= work.y.out && kept < 3;
           rows += std::max<int64_t>(1, rows / 8))
        kept += offer(s, rows, columns);
      tries += kept > 0;
    }
  }
  return choice.take();
}

} // namespace tessera::schedule
