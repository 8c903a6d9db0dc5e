#pragma once
// Geometry of a sliding 2-D window (convolution, pooling, transposed convolution).
#include <array>
#include <cstdint>

namespace tessera {

/// Axis order is always height, width. Pads are top, left, bottom, right (ONNX order).
struct Window2d {
  std::array<int64_t, 2> kernel{1, 1};
  std::array<int64_t, 2> strides{1, 1};
  std::array<int64_t, 2> dilations{1, 1};
  std::array<int64_t, 4> pads{0, 0, 0, 0};
  std::array<int64_t, 2> outputPadding{0, 0}; ///< transposed convolution only

  bool operator==(const Window2d &) const = default;
  int64_t extent(int axis) const { return (kernel[axis] - 1) * dilations[axis] + 1; }
  /// floor((in + pads - extent) / stride) + 1; may be <= 0 for a window larger than its input.
  int64_t outputSize(int axis, int64_t in) const {
    int64_t span = in + pads[axis] + pads[axis + 2] - extent(axis);
    return span < 0 ? 0 : span / strides[axis] + 1;
  }
  /// Pooling: with ceilMode the division rounds up, as long as the last window still starts inside
  /// the input or the padding in front of it.
  int64_t pooledOutputSize(int axis, int64_t in, bool ceilMode) const {
    int64_t span = in + pads[axis] + pads[axis + 2] - extent(axis);
    if (span < 0)
      return 0;
    int64_t out = span / strides[axis] + 1;
    if (ceilMode && span % strides[axis] && out * strides[axis] < in + pads[axis])
      ++out;
    return out;
  }
  /// Size of a transposed convolution's result: stride*(in-1) + extent - pads + outputPadding.
  int64_t transposedOutputSize(int axis, int64_t in) const {
    return strides[axis] * (in - 1) + extent(axis) - pads[axis] - pads[axis + 2] +
           outputPadding[axis];
  }
};

/// Whether each channel of a convolution has a kernel of its own.
inline bool isDepthwise(int64_t group, int64_t inputChannels, int64_t outputChannels) {
  return group > 1 && group == inputChannels && group == outputChannels;
}

} // namespace tessera
