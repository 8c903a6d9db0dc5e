#include "tessera/schedule/cuts.h"
#include "tessera/schedule/plan_ops.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace tessera::schedule {

using namespace codegen;

void LaneTable::addTo(const AddConstant &add) const {
  std::vector<uint8_t> lanes;
  for (int64_t l = 0; l < chip::kLanes; ++l)
    lanes.insert(lanes.end(), held_->bytes.begin(), held_->bytes.end());
  held_->buffer = add(packRows(lanes, chip::kLanes, size()));
}

Instructions LaneTable::load(uint32_t address) const {
  return loadRows(held_->buffer, 0, chip::kLanes, size(), address);
}

std::vector<View> joinAxes(const std::vector<View> &views) {
  std::vector<int>
      axes; // kept axes of the original shape, outermost first, each the last of its group
  std::vector<int64_t> sizes;
  bool repeats = std::ranges::any_of(views, &View::repeats); // channels stay what they are
  for (int i = 0; i < 4; ++i) {
    if (views[0].shape[i] == 1)
      continue;
    bool join = !axes.empty() && !(repeats && axes.back() < 2 && i >= 2);
    for (const View &v : views)
      join = join && v.stride[axes.back()] == v.stride[i] * v.shape[i];
    if (join) {
      axes.back() = i;
      sizes.back() *= views[0].shape[i];
    } else {
      axes.push_back(i);
      sizes.push_back(views[0].shape[i]);
    }
  }
  std::vector<View> joined = views;
  for (size_t k = 0; k < views.size(); ++k) {
    View &v = joined[k];
    v.shape = {1, 1, 1, 1};
    v.stride = {0, 0, 0, 1};
    // Three joined axes are channels, rows, columns; two are channels and columns.
    std::array<int, 4> to{0, 1, 2, 3};
    if (axes.size() == 3)
      to = {1, 2, 3, 3};
    else if (axes.size() == 2)
      to = {1, 3, 3, 3};
    else if (axes.size() == 1)
      to = {3, 3, 3, 3};
    for (size_t a = 0; a < axes.size(); ++a) {
      v.shape[to[a]] = sizes[a];
      v.stride[to[a]] = views[k].stride[axes[a]];
    }
  }
  return joined;
}

namespace {

// One slice of the work: the same local shape for every tensor.
struct Piece {
  std::vector<View> inputs; ///< n = 1
  View output;
  int64_t c, h, w;
};

} // namespace

std::optional<LayerPlan> planElementwise(const ElementwiseWork &work, const Options &options) {
  std::vector<View> views = work.inputs;
  views.push_back(work.output);
  views = joinAxes(views);
  const auto shape = views[0].shape;
  auto contiguous = [&] {
    return std::all_of(views.begin(), views.end(), [](const View &v) { return v.stride[3] == 1; });
  };
  // A few long contiguous runs: lay each out over all lanes.
  int64_t runs = shape[0] * shape[1] * shape[2];
  bool flat = contiguous() && shape[0] == 1 && shape[2] == 1 && shape[1] < chip::kLanes &&
              (shape[1] == 1 || shape[3] >= 1024);
  PlanChoice choice(options);
  int deep = options.overlap ? 2 : 1;
  std::vector<DType> types;
  for (const View &v : work.inputs)
    types.push_back(v.dtype);

  auto part = [&](size_t i, int64_t offset, const std::array<int64_t, 4> &size,
                  const std::array<int64_t, 4> &stride) {
    View v = views[i];
    bool once = v.repeats();
    v.offset += uint64_t(offset * dtypeSize(v.dtype));
    v.shape = size;
    v.stride = stride;
    if (once)
      v.shape[2] = v.shape[3] = 1;
    return v;
  };
  // Makes the plan of a list of pieces; the local tensors take the largest piece's bytes.
  auto offer = [&](std::vector<Piece> pieces, std::string cut) {
    LayerPlan plan;
    auto bytes = [&](DType t) {
      int64_t most = 0;
      for (const Piece &p : pieces)
        most = std::max(most, chip::alignedLaneBytes(0, 1, p.c, p.h, p.w, dtypeSize(t)));
      return most;
    };
    int copies = pieces.size() > 1 ? deep : 1;
    size_t inputs = work.inputs.size(), scratch = work.recipe ? work.recipe->scratch.size() : 0;
    auto inputBytes = [&](size_t i) {
      if (!views[i].repeats())
        return bytes(types[i]);
      return most(pieces, [&](const Piece &p) {
        return chip::alignedLaneBytes(0, 1, p.c, 1, 1, dtypeSize(types[i]));
      });
    };
    for (size_t i = 0; i < inputs; ++i)
      plan.slots.push_back({fmt::format("input{}", i), inputBytes(i), copies});
    for (size_t i = 0; i < scratch; ++i)
      plan.slots.push_back({fmt::format("scratch{}", i), bytes(work.recipe->scratch[i]), 1});
    std::optional<LaneTable> table;
    if (work.recipe && !work.recipe->table.empty())
      table.emplace(work.recipe->table);
    int tableSlot = table ? plan.addSlot({"table", table->size()}) : -1;
    size_t result = plan.slots.size();
    if (work.recipe)
      plan.slots.push_back({"result", bytes(work.output.dtype), copies});
    if (plan.localBytes(options.localBytes) > options.localBytes)
      return false;
    if (table) {
      for (const Piece &p : pieces)
        if (p.h * p.w > chip::kMaxDim)
          return false;
      plan.materialize = [table](const AddConstant &add) { table->addTo(add); };
    }
    int64_t number = 0;
    for (Piece &p : pieces) {
      auto piece = std::make_shared<Piece>(std::move(p));
      auto recipe = work.recipe;
      auto local = [piece](DType t, uint32_t address) {
        return LocalTensor{address, t, piece->c, piece->h, piece->w};
      };
      auto input = [piece](size_t i, uint32_t address) {
        const View &v = piece->inputs[i];
        LocalTensor t{address, v.dtype, v.shape[1], v.shape[2], v.shape[3]};
        t.repeated = t.h * t.w < piece->h * piece->w;
        return t;
      };
      SliceWork s;
      for (size_t i = 0; i < inputs; ++i)
        s.inputs.push_back({int(i), number});
      for (size_t i = 0; i < scratch; ++i)
        s.work.push_back({int(inputs + i), 0});
      if (table)
        s.inputs.push_back({tableSlot, 0});
      if (recipe)
        s.work.push_back({int(result), number});
      s.load = [=](const Addresses &a, int slot) -> Instructions {
        if (slot == tableSlot)
          return table->load(a[size_t(slot)]);
        const View &v = piece->inputs[size_t(slot)];
        return {loadTensor(v, input(size_t(slot), a[size_t(slot)]))};
      };
      if (recipe)
        s.compute = [=](const Addresses &a) {
          std::vector<LocalTensor> in, tmp;
          for (size_t i = 0; i < inputs; ++i)
            in.push_back(input(i, a[i]));
          for (size_t i = 0; i < scratch; ++i)
            tmp.push_back(local(recipe->scratch[i], a[inputs + i]));
          if (table)
            tmp.push_back(table->at(a[size_t(tableSlot)]));
          Instructions list;
          recipe->emit(list, in, tmp, local(piece->output.dtype, a[result]));
          return list;
        };
      size_t from = recipe ? result : 0;
      s.store = [=](const Addresses &a) -> Instructions {
        return {storeTensor(local(piece->output.dtype, a[from]), piece->output)};
      };
      plan.slices.push_back(std::move(s));
      ++number;
    }
    plan.cut = std::move(cut);
    return choice.offer(std::move(plan));
  };
  auto pieceOf = [&](int64_t c, int64_t h, int64_t w, auto &&offsetOf, auto &&strideOf) {
    Piece p{{}, {}, c, h, w};
    for (size_t i = 0; i + 1 < views.size(); ++i)
      p.inputs.push_back(part(i, offsetOf(views[i]), {1, c, h, w}, strideOf(views[i])));
    p.output = part(views.size() - 1, offsetOf(views.back()), {1, c, h, w}, strideOf(views.back()));
    return p;
  };

  if (flat) {
    int64_t run = shape[3];
    auto offerFlat = [&](int64_t piecesPerRun) {
      std::vector<Piece> pieces;
      for (int64_t r = 0; r < runs; ++r) {
        int64_t rows = run / chip::kLanes; // elements of one lane
        if (rows > 0)
          for (auto [a, b] : splitRange(rows, piecesPerRun)) {
            int64_t w = b - a, at = a * chip::kLanes;
            pieces.push_back(pieceOf(
                chip::kLanes, 1, w, [&](const View &v) { return r * v.stride[1] + at; },
                [&](const View &) { return std::array<int64_t, 4>{chip::kLanes * w, w, w, 1}; }));
          }
        if (int64_t rest = run % chip::kLanes)
          pieces.push_back(pieceOf(
              rest, 1, 1, [&](const View &v) { return r * v.stride[1] + rows * chip::kLanes; },
              [&](const View &) { return std::array<int64_t, 4>{rest, 1, 1, 1}; }));
      }
      return offer(std::move(pieces),
                   fmt::format("flat, {} pieces of each run of {}", piecesPerRun, run));
    };
    int kept = 0;
    int64_t smallest = chip::ceilDiv(run / chip::kLanes, 32768);
    for (int64_t n = std::max<int64_t>(1, smallest);
         kept < 4 && n <= std::max<int64_t>(1, run / chip::kLanes);
         n += std::max<int64_t>(1, n / 4))
      kept += offerFlat(n);
    return choice.take();
  }

  auto offerBox = [&](int64_t channelBlock, int64_t rowBands, int64_t columnBands) {
    std::vector<Piece> pieces;
    for (int64_t n = 0; n < shape[0]; ++n)
      for (int64_t c = 0; c < shape[1]; c += channelBlock)
        for (auto [y0, y1] : splitRange(shape[2], rowBands))
          for (auto [x0, x1] : splitRange(shape[3], columnBands)) {
            int64_t count = std::min(channelBlock, shape[1] - c);
            int64_t py = y0, px = x0;
            pieces.push_back(pieceOf(
                count, y1 - y0, x1 - x0,
                [&](const View &v) {
                  return n * v.stride[0] + c * v.stride[1] + py * v.stride[2] + px * v.stride[3];
                },
                [&](const View &v) {
                  return std::array<int64_t, 4>{0, v.stride[1], v.stride[2], v.stride[3]};
                }));
          }
    return offer(std::move(pieces), fmt::format("{} x {} bands, channel blocks of {}", rowBands,
                                                columnBands, channelBlock));
  };
  int64_t mostSlots = std::min<int64_t>(chip::slots(0, shape[1]), 512);
  for (int64_t s = mostSlots; s >= 1; s = s == 1 ? 0 : chip::ceilDiv(s, 2)) {
    bool fits = false;
    int64_t first = chip::ceilDiv(shape[3], chip::kMaxDim),
            firstRows = chip::ceilDiv(shape[2], chip::kMaxDim);
    for (int64_t columns = first; columns <= shape[3] && !fits;
         columns += std::max<int64_t>(1, columns / 4)) {
      int kept = 0;
      for (int64_t rows = firstRows; rows <= shape[2] && kept < 3;
           rows += std::max<int64_t>(1, rows / 8))
        kept += offerBox(std::min(s * chip::kLanes, shape[1]), rows, columns);
      fits = kept > 0;
    }
  }
  return choice.take();
}

void appendPlan(LayerPlan &plan, LayerPlan more) {
  int shift = int(plan.slots.size());
  for (SlotSpec &s : more.slots)
    plan.slots.push_back(std::move(s));
  for (SliceWork &s : more.slices) {
    for (auto *uses : {&s.inputs, &s.work})
      for (SlotUse &u : *uses)
        u.slot += shift;
    auto local = [shift](const Addresses &a) { return Addresses(a.begin() + shift, a.end()); };
    if (auto load = std::move(s.load))
      s.load = [=](const Addresses &a, int slot) { return load(local(a), slot - shift); };
    if (auto compute = std::move(s.compute))
      s.compute = [=](const Addresses &a) { return compute(local(a)); };
    if (auto store = std::move(s.store))
      s.store = [=](const Addresses &a) { return store(local(a)); };
    plan.slices.push_back(std::move(s));
  }
  if (more.materialize)
    plan.materialize = [a = std::move(plan.materialize),
                        b = std::move(more.materialize)](const AddConstant &add) {
      if (a)
        a(add);
      b(add);
    };
  plan.cut += plan.cut.empty() || more.cut.empty() ? more.cut : "; " + more.cut;
}

} // namespace tessera::schedule
