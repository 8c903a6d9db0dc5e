#pragma once
// Thresholds from a histogram of |x|.
#include <cstdint>
#include <span>

namespace tessera::calibrate {

/// The clipping threshold whose quantized distribution is nearest to the measured one.
///
/// `histogram[k]` counts values with |x| in [k, k + 1) * max / bins, exact zeros left out: every
/// threshold represents them exactly, and a network with ReLU has so many that they would drown the
/// rest. For every i from `levels` to bins: P is the first i bins with all values above added to
/// bin i - 1, as clipping does; Q spreads those i bins' values (without the clipped ones) evenly
/// over `levels` groups, within a group over the bins that hold any. The i with the smallest
/// divergence sum P log(P / Q), both normalised, wins, the larger i where equal. A Q of 0 where P
/// is not counts as infinite. Thresholds that clip more than 0.1 % of the values are not
/// considered.
/// @return i * max / bins; max for a histogram with no more bins than levels or without any value.
double klThreshold(std::span<const uint64_t> histogram, double max, int64_t levels);

/// The smallest bin edge with at least `share` (0..1) of all values, `zeros` exact zeros among
/// them, below it.
double percentileThreshold(std::span<const uint64_t> histogram, double max, uint64_t zeros,
                           double share);

} // namespace tessera::calibrate
