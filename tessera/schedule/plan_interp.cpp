#include "tessera/codegen/interp.h"
#include "tessera/schedule/cuts.h"
#include "tessera/schedule/plan_ops.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace tessera::schedule {

using namespace codegen;

namespace {

// A factor f with map[i] == i / f throughout, else 1: bands on its multiples keep the quick form.
int64_t factorOf(const std::vector<int64_t> &map) {
  int64_t n = int64_t(map.size()), f = 1;
  while (f < n && map[size_t(f)] == map[0])
    ++f;
  for (int64_t i = 0; i < n; ++i)
    if (map[size_t(i)] != i / f)
      return 1;
  return f;
}

struct Band {
  int64_t out0, out1, in0, in1;
  std::vector<int64_t> map; ///< into the band's own input
};
std::vector<Band> bands(const std::vector<int64_t> &map, int64_t count) {
  std::vector<Band> list;
  for (auto [a, b] : splitRange(int64_t(map.size()), count, factorOf(map))) {
    Band band{a, b, map[size_t(a)], map[size_t(b - 1)] + 1, {}};
    for (int64_t i = a; i < b; ++i)
      band.map.push_back(map[size_t(i)] - band.in0);
    list.push_back(std::move(band));
  }
  return list;
}

} // namespace

std::optional<LayerPlan> planInterp(const InterpWork &work, const Options &options) {
  PlanChoice choice(options);
  int deep = options.overlap ? 2 : 1;
  int64_t channels = work.output.shape[1];
  int64_t inBytes = dtypeSize(work.input.dtype), outBytes = dtypeSize(work.output.dtype);
  auto offer = [&](int64_t block, int64_t rowBands, int64_t columnBands) {
    auto rows = std::make_shared<std::vector<Band>>(bands(work.rows, rowBands));
    auto columns = std::make_shared<std::vector<Band>>(bands(work.columns, columnBands));
    int64_t in = 0, between = 0, out = 0;
    for (const Band &y : *rows)
      for (const Band &x : *columns) {
        in = std::max(in,
                      chip::alignedLaneBytes(0, 1, block, y.in1 - y.in0, x.in1 - x.in0, inBytes));
        out = std::max(
            out, chip::alignedLaneBytes(0, 1, block, y.out1 - y.out0, x.out1 - x.out0, outBytes));
        if (nearestNeedsBetween(y.map, x.map))
          between = std::max(between, chip::alignedLaneBytes(0, 1, block, y.in1 - y.in0,
                                                             x.out1 - x.out0, inBytes));
      }
    LayerPlan plan;
    plan.slots = {{"result", out, deep}, {"between", between, 1}, {"input", in, deep}};
    if (plan.localBytes(options.localBytes) > options.localBytes)
      return false;
    int64_t number = 0;
    for (int64_t n = 0; n < work.output.shape[0]; ++n)
      for (int64_t c = 0; c < channels; c += block)
        for (size_t r = 0; r < rows->size(); ++r)
          for (size_t k = 0; k < columns->size(); ++k) {
            int64_t count = std::min(block, channels - c);
            const Band *y = &(*rows)[r], *x = &(*columns)[k];
            int64_t ih = y->in1 - y->in0, iw = x->in1 - x->in0;
            int64_t oh = y->out1 - y->out0, ow = x->out1 - x->out0;
            View from = work.input.part({n, c, y->in0, x->in0}, {1, count, ih, iw});
            View to = work.output.part({n, c, y->out0, x->out0}, {1, count, oh, ow});
            SliceWork s;
            s.inputs = {{2, number}};
            s.work = {{0, number}, {1, 0}};
            s.load = [=](const Addresses &a, int) -> Instructions {
              return {loadTensor(from, LocalTensor{a[2], from.dtype, count, ih, iw})};
            };
            s.compute = [=, keepRows = rows, keepColumns = columns](const Addresses &a) {
              return nearest(LocalTensor{a[2], from.dtype, count, ih, iw}, y->map, x->map,
                             LocalTensor{a[1], from.dtype, count, ih, ow},
                             LocalTensor{a[0], from.dtype, count, oh, ow});
            };
            s.store = [=](const Addresses &a) -> Instructions {
              return {storeTensor(LocalTensor{a[0], from.dtype, count, oh, ow}, to)};
            };
            plan.slices.push_back(std::move(s));
            ++number;
          }
    plan.cut =
        fmt::format("{} x {} bands, channel blocks of {}", rows->size(), columns->size(), block);
    return choice.offer(std::move(plan));
  };
  for (int64_t s = chip::slots(0, channels); s >= 1; s = s == 1 ? 0 : chip::ceilDiv(s, 2)) {
    bool fits = false;
    for (int64_t columns = 1; columns <= int64_t(work.columns.size()) && !fits; columns *= 2) {
      int kept = 0;
      for (int64_t rows = 1; rows <= int64_t(work.rows.size()) && kept < 3;
           rows += std::max<int64_t>(1, rows / 8))
        kept += offer(std::min(s * chip::kLanes, channels), rows, columns);
      fits = kept > 0;
    }
  }
  return choice.take();
}

} // namespace tessera::schedule
