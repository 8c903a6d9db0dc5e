#pragma once
// Arrays for people: as numbers and as pictures.
#include "tessera/image/image.h"
#include "tessera/tensor/tensor.h"

#include <optional>

namespace tessera::debug {

/// Shape, type, range and mean, then rows of the values, long axes shortened to their ends.
std::string arrayText(const Tensor &t);
/// The channels of [n, c, h, w] (fewer axes: ones in front) as grey tiles, the range over all
/// stretched to 0..255; NaN is red. At most 16384 pixels a side, of the first image; error
/// "bad-shape" otherwise.
Result<Image> pictureOf(const Tensor &t);
/// "[0, 3, 10:20, :]" applied to t: a number takes an axis away, a range keeps part of it; empty
/// text: all. Error "bad-index".
Result<Tensor> sliced(const Tensor &t, const std::string &indices);

} // namespace tessera::debug
