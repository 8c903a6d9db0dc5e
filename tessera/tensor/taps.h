#pragma once
// One axis of a resize by weighted sums in integers.
#include <cstdint>
#include <vector>

namespace tessera {

struct Tap {
  int64_t index = 0; ///< of an input cell
  int32_t weight = 0;
  bool operator==(const Tap &) const = default;
};

/// Result cell i is the sum of weight * input cell over cells[i], divided by 2^bits. Indices of a
/// cell differ, weights are not 0 and add up to 2^bits.
struct AxisTaps {
  int bits = 0;
  std::vector<std::vector<Tap>> cells;

  /// The largest sum of the weights' magnitudes.
  int64_t gain() const {
    int64_t most = 0;
    for (const auto &cell : cells) {
      int64_t sum = 0;
      for (const Tap &t : cell)
        sum += t.weight < 0 ? -t.weight : t.weight;
      most = sum > most ? sum : most;
    }
    return most;
  }
  bool negative() const {
    for (const auto &cell : cells)
      for (const Tap &t : cell)
        if (t.weight < 0)
          return true;
    return false;
  }
  bool operator==(const AxisTaps &) const = default;
};

} // namespace tessera
