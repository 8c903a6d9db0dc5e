#pragma once
// Private to sCONV on 8-bit inputs: the weights as the kernels take them.
#include "tessera/sim/exec/conv_cells.h"

namespace tessera::sim::exec {

/// Channels of the block at which `rest` are left: 8, then the smallest of 8, 4, 2, 1 that holds
/// the rest.
constexpr int64_t blockChannels(int64_t rest) {
  return rest >= 8 ? 8 : rest > 4 ? 8 : rest > 2 ? 4 : rest;
}

/// Whether int8 weights can be used as they are, which the format Bytes asks for.
bool plainWeights(const ConvJob &);

/// Of every block of output channels and every phase: [group][tap][channel] cells, and the sums'
/// start values.
struct PackedWeights {
  int64_t taps = 0, groups = 0, channels = 0; ///< channels: rounded up to whole blocks
  uint32_t *cells = nullptr;
  std::vector<int32_t> init; ///< [phase][channel]

  static int64_t bytes(const ConvJob &j, const CellMap &map) {
    return 4 * chip::alignUp(j.oc, kernels::kBlockChannels) * map.groups * j.taps();
  }
  /// Of the block at channel `first`.
  const uint32_t *at(int64_t first, const CellMap::Phase &phase) const {
    return cells + groups * (first * taps + blockWidth(first) * phase.before);
  }
  const int32_t *start(size_t phase, int64_t first) const {
    return init.data() + int64_t(phase) * channels + first;
  }
  int64_t blockWidth(int64_t first) const { return blockChannels(all - first); }
  int64_t all = 0; ///< output channels
};

/// Packs into `memory`, which holds PackedWeights::bytes.
PackedWeights packWeights(const ConvJob &, const CellMap &, uint8_t *memory);

} // namespace tessera::sim::exec
