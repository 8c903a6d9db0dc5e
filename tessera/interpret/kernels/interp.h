#pragma once
// Resize of the last two axes by ONNX Resize's rules: top.Interp, tpu.Interp.
#include "tessera/tensor/taps.h"
#include "tessera/tensor/tensor.h"

#include <array>

namespace tessera::interpret {

enum class InterpMode : uint8_t { Nearest, Linear, Cubic };
enum class CoordMode : uint8_t {
  HalfPixel,
  PytorchHalfPixel,
  AlignCorners,
  Asymmetric,
  HalfPixelSymmetric
};
enum class NearestMode : uint8_t { RoundPreferFloor, RoundPreferCeil, Floor, Ceil };

struct Interp {
  std::array<int64_t, 2> outSize{1, 1}; ///< height, width
  std::array<double, 2> scale{1, 1};    ///< factors of the coordinate transform
  InterpMode mode = InterpMode::Nearest;
  CoordMode coordMode = CoordMode::HalfPixel;
  NearestMode nearestMode = NearestMode::RoundPreferFloor;
  double cubicA = -0.75;
  bool excludeOutside =
      false; ///< cubic: weights of cells outside the image are 0, the rest rescaled
};

/// x of rank >= 2. Nearest works on every type, Linear and Cubic on F32.
Tensor interp(const Tensor &x, const Interp &how);

/// The source row (axis 0) or column (axis 1) that nearest takes for result index `i`, in [0, in).
int64_t nearestSource(const Interp &how, int axis, int64_t in, int64_t i);

/// Linear or cubic weights of an axis (0 rows, 1 columns) of `in` cells as whole parts of 2^bits:
/// the fewest bits that say them exactly, at most 7 (cubic: 6, rounded to nearest).
AxisTaps integerTaps(const Interp &how, int axis, int64_t in);

/// Linear or cubic weights of an axis of `in` cells as they are, rounded to float.
AxisTaps floatTaps(const Interp &how, int axis, int64_t in);

/// Linear and cubic on NCHW tensors of F32 as the chip computes them: sums over columns, then over
/// rows, in the taps' order, every product and sum rounded, denormals as zeros.
Tensor interpChip(const Tensor &x, const AxisTaps &rows, const AxisTaps &columns);
/// Linear and cubic on NCHW tensors of I8|U8, result of the same type: the exact sum over rows and
/// columns, shifted right by the bits of both, half up, saturated.
Tensor interpInt(const Tensor &x, const AxisTaps &rows, const AxisTaps &columns);

} // namespace tessera::interpret
