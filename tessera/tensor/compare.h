#pragma once
// How like two tensors are, by TPU-MLIR's formulas (npz_tool compare).
#include "tessera/tensor/tensor.h"

namespace tessera {

struct Comparison {
  int64_t count = 0;
  int64_t differing = 0;   ///< elements not equal as values
  int64_t worstIndex = -1; ///< flat index of the largest absolute difference, -1 if none differs
  double maxAbsDiff = 0;
  double cosine = 1; ///< sum(a*b) / sqrt(sum(a^2) * sum(b^2)); 1 where both are all zero
  double euclid = 1; ///< 1 - |a-b| / |(a+b)/2|; 1 where equal
  double sqnr = 0;   ///< dB, 10*log10(var(a) / var(a-b)); +infinity where equal
  bool equal() const { return differing == 0; }
};

/// Shapes must have equal element counts (error "shape-mismatch"); types may differ, values compare
/// as doubles. NaN equals NaN.
Result<Comparison> compareTensors(const Tensor &a, const Tensor &b);

} // namespace tessera
