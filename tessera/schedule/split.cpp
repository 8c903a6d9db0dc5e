#include "tessera/schedule/plan_ops.h"

namespace tessera::schedule {

std::vector<std::pair<int64_t, int64_t>> splitRange(int64_t count, int64_t pieces, int64_t unit) {
  std::vector<std::pair<int64_t, int64_t>> list;
  int64_t units = chip::ceilDiv(count, unit);
  pieces = std::min(pieces, units);
  for (int64_t i = 0; i < pieces; ++i) {
    int64_t a = units * i / pieces * unit, b = std::min(units * (i + 1) / pieces * unit, count);
    list.emplace_back(a, b);
  }
  return list;
}

std::vector<codegen::AxisSlice> splitAxis(const codegen::WindowAxis &axis, int64_t bands,
                                          int64_t unit) {
  std::vector<codegen::AxisSlice> list;
  for (auto [a, b] : splitRange(axis.out, bands, unit)) {
    auto s = codegen::sliceAxis(axis, a, b);
    if (!s || s->padBefore > chip::kMaxPad || s->padAfter > chip::kMaxPad)
      return {};
    list.push_back(*s);
  }
  return list;
}

} // namespace tessera::schedule
