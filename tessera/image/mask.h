#pragma once
// From a network's output to a mask, from a raw mask to a clean one, and how good it is.
#include "tessera/image/image.h"
#include "tessera/tensor/tensor.h"

#include <optional>

namespace tessera {

/// What an output's numbers mean.
enum class MaskRule {
  Logits, ///< two channels: channel 1 - channel 0 > threshold; one channel: > threshold; default 0
  Probability, ///< the same, one channel's default threshold being 0.5
  Classes,     ///< class numbers: > 0
};

/// output: [1,C,H,W], [C,H,W], [1,H,W] or [H,W] with C of 1 or 2. Logits and probabilities are
/// resized bilinearly (half-pixel centres) to width x height before the threshold, class numbers by
/// nearest. Error "bad-output" for other shapes.
Result<Mask> decideMask(const Tensor &output, MaskRule rule, std::optional<double> threshold,
                        int width, int height);

/// Applied in this order; the defaults change nothing.
struct CleanUp {
  bool largestComponent =
      false; ///< keep the largest 8-connected component (of equals the first in reading order)
  bool fillHoles = false; ///< background not 4-connected to the border becomes object
  int opening = 0;        ///< elliptical opening of this odd size, 0 = off
  int median = 0;         ///< median filter of this odd size, 0 = off
};
/// Sizes are 0 or odd, up to 255 (checked).
Mask cleanUp(const Mask &mask, const CleanUp &options);

/// 2|A and B| / (|A| + |B|) and |A and B| / |A or B|; both empty count as 1. Sizes must be equal
/// (checked).
double dice(const Mask &a, const Mask &b);
double iou(const Mask &a, const Mask &b);

} // namespace tessera
