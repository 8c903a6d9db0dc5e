#pragma once
// One axis of a resize by weighted sums.
#include <cstdint>
#include <vector>

namespace tessera {

struct Tap {
  int64_t index = 0; ///< of an input cell
  double weight = 0; ///< whole, or of floats a float
  bool operator==(const Tap &) const = default;
};

/// Result cell i is the sum of weight * input cell over cells[i], divided by 2^bits. Indices of a
/// cell differ, weights are not 0 and add up to 2^bits; of floats bits is 0 and the order counts.
struct AxisTaps {
  int bits = 0;
  std::vector<std::vector<Tap>> cells;

  /// The largest sum of the weights' magnitudes, of integers.
  int64_t gain() const {
    int64_t most = 0;
    for (const auto &cell : cells) {
      int64_t sum = 0;
      for (const Tap &t : cell)
        sum += int64_t(t.weight < 0 ? -t.weight : t.weight);
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
