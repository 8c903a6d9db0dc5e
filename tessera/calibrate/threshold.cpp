#include "tessera/calibrate/threshold.h"

#include <cmath>
#include <limits>
#include <vector>

namespace tessera::calibrate {
namespace {

// Where nearly all values lie in a narrow band far from zero (a logit that hardly varies), clipping
// the whole band into the last bin looks perfect to the divergence and destroys the tensor.
constexpr double kLargestClippedShare = 0.001;

} // namespace

double klThreshold(std::span<const uint64_t> histogram, double max, int64_t levels) {
  auto bins = int64_t(histogram.size());
  // Prefix sums make each candidate cost `levels` logarithms instead of one a bin.
  std::vector<uint64_t> mass(bins + 1), used(bins + 1);
  std::vector<double> plogp(bins + 1);
  auto xlogx = [](double x) { return x > 0 ? x * std::log(x) : 0.0; };
  for (int64_t k = 0; k < bins; ++k) {
    mass[k + 1] = mass[k] + histogram[k];
    used[k + 1] = used[k] + (histogram[k] > 0);
    plogp[k + 1] = plogp[k] + xlogx(double(histogram[k]));
  }
  double total = double(mass[bins]);
  if (mass[bins] == 0 || bins <= levels)
    return max;
  double best = std::numeric_limits<double>::infinity();
  int64_t bestBins = bins;
  for (int64_t i = bins; i >= levels; --i) {
    uint64_t clipped = mass[bins] - mass[i];
    if (double(clipped) > kLargestClippedShare * total)
      break; // smaller thresholds clip more
    // Without a value in the last bin Q has none there, but P has the clipped ones.
    if (mass[i] == 0 || (clipped > 0 && histogram[i - 1] == 0))
      continue;
    double last = double(histogram[i - 1] + clipped);
    double sumPLogP = plogp[i - 1] + xlogx(last);
    double sumPLogQ = 0;
    for (int64_t j = 0; j < levels; ++j) {
      int64_t first = j * i / levels, end = (j + 1) * i / levels;
      auto inGroup = double(mass[end] - mass[first]);
      if (inGroup == 0)
        continue;
      double q = inGroup / double(used[end] - used[first]);
      double p = j == levels - 1 ? inGroup + double(clipped) : inGroup;
      sumPLogQ += p * std::log(q);
    }
    // sum P/N log((P/N) / (Q/M)), N = total, M = mass[i].
    double divergence = (sumPLogP - sumPLogQ) / total - std::log(total) + std::log(double(mass[i]));
    if (divergence < best) {
      best = divergence;
      bestBins = i;
    }
  }
  return max * double(bestBins) / double(bins);
}

double percentileThreshold(std::span<const uint64_t> histogram, double max, uint64_t zeros,
                           double share) {
  uint64_t total = zeros;
  for (uint64_t n : histogram)
    total += n;
  uint64_t below = zeros;
  for (size_t k = 0; k < histogram.size(); ++k) {
    below += histogram[k];
    if (double(below) >= share * double(total))
      return max * double(k + 1) / double(histogram.size());
  }
  return max;
}

} // namespace tessera::calibrate
