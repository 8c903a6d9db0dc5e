#pragma once
// Images -> one threshold a tensor.
#include "tessera/calibrate/table.h"
#include "tessera/ir/module.h"

#include <functional>

namespace tessera::calibrate {

struct Options {
  /// kl: klThreshold over 128 levels, 256 for tensors that are never negative (threshold.h);
  /// max: the largest |x|; percentile9999: 99.99 % of all |x| lie below.
  std::string method = "kl";
  int64_t bins = 2048;
  /// Goes on where a tensor is zero in all images (threshold 1, noted in Table::notes) instead of
  /// failing.
  bool allowDead = false;
};

/// Runs every sample through a top module and derives a row for every non-weight tensor, inputs
/// included, in op order. Two passes: extremes first, then histograms of |x| over [0, largest |x|]
/// (method max needs one); no tensor outlives its op, so memory is that of one running network a
/// thread and the histograms.
///
/// `inputOf(i)` gives the input tensors of sample i in [0, count), by input name; it is called from
/// several threads and once in each pass, and must answer alike. Samples run side by side, one a
/// core; with fewer samples than cores each one runs on all. The table is the same for any number
/// of threads: extremes and counts do not depend on the order of merging, float results not on how
/// kernels are cut.
///
/// Errors: all samples that cannot be read or run; code "non-finite" names each tensor with NaN or
/// infinities, how many, and the first sample; "dead-range" each tensor that is zero everywhere
/// (class numbers and truth values, which keep scale 1, are exempt); "bad-flag" for an unknown
/// method.
Result<Table> calibrate(const ir::Module &module, size_t count,
                        const std::function<Result<TensorMap>(size_t)> &inputOf,
                        const Options &options);

} // namespace tessera::calibrate
