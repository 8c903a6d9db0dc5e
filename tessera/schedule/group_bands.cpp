#include "tessera/schedule/group_bands.h"

#include <algorithm>

namespace tessera::schedule {

using namespace codegen;

GroupBands makeBands(const GroupWork &work, int64_t count) {
  size_t tensors = work.tensors.size();
  std::vector<std::vector<int64_t>> to(size_t(count), std::vector<int64_t>(tensors, 0));
  auto height = [&](int32_t t) { return work.tensors[size_t(t)].view.shape[2]; };
  std::vector<std::vector<std::pair<const WindowAxis *, int32_t>>> readers(tensors); // and results
  for (const GroupOp &op : work.ops)
    for (const GroupInput &i : op.inputs)
      if (i.tensor >= 0)
        readers[size_t(i.tensor)].push_back({&i.y, op.result});
  // Backward: what the readers need, at least.
  for (size_t k = work.ops.size(); k-- > 0;) {
    int32_t t = work.ops[k].result;
    int64_t h = height(t);
    int64_t unit = work.ops[k].rowUnit();
    for (int64_t b = 0; b < count; ++b) {
      int64_t need = 0;
      for (auto [y, result] : readers[size_t(t)])
        if (auto s = sliceAxis(*y, 0, to[size_t(b)][size_t(result)]))
          need = std::max(need, s->in1);
      if (readers[size_t(t)].empty())
        need = h * (b + 1) / count;
      if (b + 1 == count)
        need = h;
      to[size_t(b)][size_t(t)] = std::min(chip::alignUp(need, unit), h);
    }
  }
  // Forward: pools and element-wise ops take all there is.
  for (const GroupOp &op : work.ops) {
    if (op.hasWeights())
      continue;
    for (int64_t b = 0; b + 1 < count; ++b) {
      int64_t most = height(op.result);
      for (const GroupInput &i : op.inputs)
        if (i.tensor >= 0) {
          int64_t there = to[size_t(b)][size_t(i.tensor)];
          int64_t cells = there * (1 + i.y.insert); // with the zeros up to the next row
          int64_t whole = there == height(i.tensor)
                              ? i.y.out
                              : (cells + i.y.padBefore - i.y.extent()) / i.y.stride + 1;
          most = std::min(most, std::max<int64_t>(whole, 0));
        }
      to[size_t(b)][size_t(op.result)] = most;
    }
  }
  GroupBands bands(to.size(), std::vector<BandRows>(tensors));
  for (size_t b = 0; b < size_t(count); ++b)
    for (const GroupOp &op : work.ops) {
      BandRows &r = bands[b][size_t(op.result)];
      r.from = b ? to[b - 1][size_t(op.result)] : 0;
      r.to = to[b][size_t(op.result)];
      if (r.to <= r.from)
        return {};
      r.keep = r.from;
    }
  for (size_t b = 0; b < size_t(count); ++b)
    for (const GroupOp &op : work.ops) {
      const BandRows &out = bands[b][size_t(op.result)];
      for (const GroupInput &i : op.inputs)
        if (i.tensor >= 0)
          if (auto s = sliceAxis(i.y, out.from, out.to)) {
            BandRows &in = bands[b][size_t(i.tensor)];
            in.keep = std::min(in.keep, s->in0);
            if (s->in1 > in.to || (b && in.keep < bands[b - 1][size_t(i.tensor)].from))
              return {};
          }
    }
  return bands;
}

std::optional<AxisSlice> inputRows(const GroupInput &i, int64_t a, int64_t b) {
  auto s = sliceAxis(i.y, a, b);
  if (!s || s->padBefore > chip::kMaxPad || s->padAfter > chip::kMaxPad)
    return std::nullopt;
  return s;
}

bool seesSome(const GroupOp &op, int64_t a, int64_t b) {
  bool some = false;
  for (const GroupInput &i : op.inputs)
    if (sliceAxis(i.y, a, b)) {
      if (!inputRows(i, a, b))
        return false;
      some = true;
    }
  return some;
}

} // namespace tessera::schedule
