#include "tessera/codegen/interp.h"
#include "tessera/schedule/cuts.h"
#include "tessera/schedule/plan_ops.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
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
  AxisTaps taps;            ///< likewise, where there is no map
};
std::vector<Band> bands(const std::vector<int64_t> &map, const AxisTaps &taps, int64_t count) {
  std::vector<Band> list;
  auto size = int64_t(map.empty() ? taps.cells.size() : map.size());
  for (auto [a, b] : splitRange(size, count, factorOf(map))) {
    Band band{a, b, std::numeric_limits<int64_t>::max(), 0, {}, {taps.bits, {}}};
    auto see = [&](int64_t cell) {
      band.in0 = std::min(band.in0, cell);
      band.in1 = std::max(band.in1, cell + 1);
    };
    for (int64_t i = a; i < b; ++i)
      if (map.empty())
        for (const Tap &t : taps.cells[size_t(i)])
          see(t.index);
      else
        see(map[size_t(i)]);
    for (int64_t i = a; i < b; ++i)
      if (map.empty()) {
        band.taps.cells.push_back(taps.cells[size_t(i)]);
        for (Tap &t : band.taps.cells.back())
          t.index -= band.in0;
      } else {
        band.map.push_back(map[size_t(i)] - band.in0);
      }
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
  bool nearestOnly = !work.rows.empty();
  auto offer = [&](int64_t block, int64_t rowBands, int64_t columnBands) {
    auto rows = std::make_shared<std::vector<Band>>(bands(work.rows, work.rowTaps, rowBands));
    auto columns =
        std::make_shared<std::vector<Band>>(bands(work.columns, work.columnTaps, columnBands));
    int64_t in = 0, between = 0, out = 0, products = 0, wide = 0;
    for (const Band &y : *rows)
      for (const Band &x : *columns) {
        int64_t ih = y.in1 - y.in0, ow = x.out1 - x.out0;
        in = std::max(in, chip::alignedLaneBytes(0, 1, block, ih, x.in1 - x.in0, inBytes));
        out = std::max(out, chip::alignedLaneBytes(0, 1, block, y.out1 - y.out0, ow, outBytes));
        if (!nearestOnly) {
          BlendScratch s = blendScratch(work.input.dtype, block, ih, y.taps, x.taps);
          between = std::max(between, s.betweenBytes);
          products = std::max(products, s.products * chip::alignUp(s.productBytes, chip::kEuBytes));
          wide = std::max(wide, s.wideBytes);
        } else if (nearestNeedsBetween(y.map, x.map)) {
          between = std::max(between, chip::alignedLaneBytes(0, 1, block, ih, ow, inBytes));
        }
      }
    LayerPlan plan;
    plan.slots = {{"result", out, deep}, {"between", between, 1}, {"input", in, deep}};
    if (!nearestOnly) {
      plan.slots.push_back({"products", products, 1});
      plan.slots.push_back({"wide", wide, 1});
    }
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
            if (!nearestOnly)
              s.work.insert(s.work.end(), {{3, 0}, {4, 0}});
            s.load = [=](const Addresses &a, int) -> Instructions {
              return {loadTensor(from, LocalTensor{a[2], from.dtype, count, ih, iw})};
            };
            s.compute = [=, keepRows = rows, keepColumns = columns](const Addresses &a) {
              LocalTensor input{a[2], from.dtype, count, ih, iw};
              LocalTensor result{a[0], from.dtype, count, oh, ow};
              if (nearestOnly)
                return nearest(input, y->map, x->map, {a[1], from.dtype, count, ih, ow}, result);
              BlendPlaces at{a[1], a[4], {}};
              int64_t each = blendScratch(from.dtype, count, ih, y->taps, x->taps).productBytes;
              for (size_t k = 0; k < at.products.size(); ++k)
                at.products[k] = uint32_t(a[3] + int64_t(k) * chip::alignUp(each, chip::kEuBytes));
              return blend(input, y->taps, x->taps, at, result);
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
    for (int64_t columns = 1; columns <= work.output.shape[3] && !fits; columns *= 2) {
      int kept = 0;
      for (int64_t rows = 1; rows <= work.output.shape[2] && kept < 3;
           rows += std::max<int64_t>(1, rows / 8))
        kept += offer(std::min(s * chip::kLanes, channels), rows, columns);
      fits = kept > 0;
    }
  }
  return choice.take();
}

} // namespace tessera::schedule
