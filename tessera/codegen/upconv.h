#pragma once
// One slice of an UpConv: per output phase a 2x2 convolution of the small tensor and a stride-2 3x3
// convolution of the skip tensor on one accumulator, the bias by class of border, requantize
// (floats: F32 sums, a cast and ReLU), and a copy of the phase's plane into every second row and
// column.
#include "tessera/codegen/conv2d.h"

namespace tessera::codegen {

/// Where the parts of an UpConv's constants lie in a lane's row: requant triples at 0 (none for
/// floats), then compact biases (one vector for each pair of row and column class, or one), then
/// both filters.
struct UpConvLayout {
  int64_t slots = 0; ///< of 64 output channels
  int64_t bias = 0, low = 0, skip = 0, width = 0;
  int64_t lowSlotBytes = 0, skipSlotBytes = 0;

  /// `biases`: 0, 1 or 16 vectors.
  static UpConvLayout of(int64_t oc, int64_t ic, int64_t skipChannels, int64_t biases,
                         DType filter = DType::I8);
  int64_t tripleAt(int64_t slot) const { return slot * chip::kEuBytes; }
  int64_t biasAt(int64_t slot, int64_t rowClass, int64_t columnClass) const {
    return bias + 4 * ((rowClass * 4 + columnClass) * slots + slot);
  }
  int64_t lowAt(int64_t slot, int64_t phase) const {
    return low + (phase * slots + slot) * lowSlotBytes;
  }
  int64_t skipAt(int64_t slot) const { return skip + slot * skipSlotBytes; }
};

/// How many bias vectors an UpConv needs: 16, one where all classes are equal (the transposed
/// convolution has no bias), 0 without a bias.
int64_t upConvBiases(const Tensor &bias);
/// Rows of bytes of output channels [oc0, oc1), one a lane. low I8 or float [4, oc, ic, 2, 2], skip
/// [oc, sc, 3, 3], bias I32 or F32 [oc, 4, 4] or empty; only its class (0, 0) where `biases` is 1.
std::vector<uint8_t> packUpConv(const Tensor &low, const Tensor &skip, const Tensor &bias,
                                std::span<const int32_t> multiplier,
                                std::span<const int32_t> rshift, int64_t oc0, int64_t oc1,
                                int64_t biases);

/// One axis of a slice: output rows [out0, out1) from rows [low0, low1) of the small tensor and
/// [skip0, skip1) of the skip tensor.
struct UpConvBand {
  int64_t in = 0, out = 0; ///< of the whole small and skip tensor
  int64_t out0 = 0, out1 = 0, low0 = 0, low1 = 0, skip0 = 0, skip1 = 0;
  struct Phase {
    WindowAxis low, skip;
    AxisSlice lowSlice, skipSlice; ///< no outputs: the band has no row of this phase
  };
  std::array<Phase, 2> phase;

  int64_t outputs() const { return out1 - out0; }
  /// out0 is even, `out` is 2 * in or 2 * in + 1.
  static UpConvBand of(int64_t in, int64_t out, int64_t out0, int64_t out1);
};

struct UpConvSlice {
  LocalTensor low, skip; ///< the bands' rows and columns of the inputs
  UpConvBand y, x;
  uint32_t constants = 0; ///< of `layout`
  UpConvLayout layout;
  int64_t biases = 0;
  uint32_t accumulator = 0, sum = 0, plane = 0; ///< a phase's 32-bit sums (twice) and results
  LocalTensor result;
  bool relu = false; ///< of floats
};
Instructions upConv(const UpConvSlice &s);

} // namespace tessera::codegen
