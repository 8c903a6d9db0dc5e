#include "tessera/schedule/cuts.h"

#include "tessera/codegen/transfer.h"

namespace tessera::schedule {

std::vector<Range> splitRange(int64_t count, int64_t pieces, int64_t unit) {
  std::vector<Range> list;
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

std::vector<Range> channelBlocks(int64_t channels, int64_t slots) {
  std::vector<Range> list;
  for (int64_t c = 0; c < channels; c += slots * chip::kLanes)
    list.emplace_back(c, std::min(c + slots * chip::kLanes, channels));
  return list;
}

std::vector<int64_t> blockSizes(int64_t slots) {
  std::vector<int64_t> list{slots};
  while (list.back() > 1)
    list.push_back(chip::ceilDiv(list.back(), 2));
  return list;
}

uint64_t appendRows(std::vector<uint8_t> &buffer, std::span<const uint8_t> lanes, int64_t rows,
                    int64_t width) {
  uint64_t offset = buffer.size();
  auto packed = codegen::packRows(lanes, rows, width);
  buffer.insert(buffer.end(), packed.begin(), packed.end());
  buffer.resize(size_t(chip::alignUp(int64_t(buffer.size()), chip::kEuBytes)));
  return offset;
}

} // namespace tessera::schedule
