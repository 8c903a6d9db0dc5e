#pragma once
// A quantized network on plain structs: what the scheduler cuts. Made from the tpu dialect by
// schedule/ir, or by hand. Sizes are NCHW; a tensor of lower rank has its axes in front and ones
// behind.
#include "tessera/codegen/compare.h"
#include "tessera/tensor/taps.h"
#include "tessera/tensor/tensor.h"
#include "tessera/tensor/window.h"

#include <array>
#include <variant>

namespace tessera::schedule {

struct NetTensor {
  std::string name;        ///< of the tensor; also the bmodel's name where it is an input or output
  Shape shape;             ///< rank 1 to 4
  DType dtype = DType::I8; ///< F32, F16, BF16, I8 or U8
  double scale = 0;        ///< real value = stored * scale; 0 for floats
  Tensor constant{};       ///< its values, of this type and shape, where no layer makes it
};

/// Convolution. Integer: a U8 result is what fuses a ReLU; half-up requantization, one multiplier
/// and rshift (positive = right) a channel, or one for all. Float: input, filter and result of one
/// type; `relu` behind it.
struct Conv2D {
  Tensor filter; ///< I8|U8|F32|F16|BF16 [oc, ic/group, kh, kw]
  Tensor bias;   ///< I32 (F32 of floats) [oc], or empty
  Window2d window;
  int64_t group = 1;
  std::vector<int32_t> padValue; ///< what padding cells hold, one per input channel (of floats the
                                 ///< bits); empty = 0
  std::vector<int32_t> multiplier, rshift;
  bool relu = false; ///< of floats
};
/// Transposed convolution, filter [oc, ic/group, kh, kw] not rotated.
struct Deconv {
  Tensor filter, bias;
  Window2d window;
  int64_t group = 1;
  std::vector<int32_t> multiplier, rshift;
  bool relu = false; ///< of floats
};
/// Inputs x [n, ic, h, w] and skip [n, sc, H, W], H = 2h or 2h + 1, W likewise; output [n, oc, H,
/// W]. A transposed convolution and the 3x3 convolution behind it (interpret/kernels/upconv.h).
struct UpConv {
  Tensor low;  ///< I8 or float [4, oc, ic, 2, 2], output phase 2a + b first
  Tensor skip; ///< of the same type [oc, sc, 3, 3]
  Tensor bias; ///< I32 (F32 of floats) [oc, 4, 4] by the classes of row and column, or empty
  std::vector<int32_t> multiplier, rshift;
  bool relu = false; ///< of floats
};
/// The output shape says whether ceil mode was on. `relu`: max with 0 behind it.
struct MaxPool {
  Window2d window;
  bool relu = false;
};
/// Padding counts as zeros: sat((sum * multiplier) >> rshift), half up, in the input's type.
struct AvgPool {
  Window2d window;
  int32_t multiplier = 1, rshift = 0; ///< 0 to 255; 0 to 31
};
struct Add {
  std::array<int32_t, 2> multiplier{1, 1}, rshift{0, 0}; ///< of integers
  bool relu = false;                                     ///< of floats
};
/// Of floats.
struct Sub {};
/// sat((a * b * multiplier) >> rshift), half up; of floats a * b.
struct Mul {
  int32_t multiplier = 1, rshift = 0;
};
/// F32 only.
struct Div {};
/// Of floats; the bounds are rounded to the type.
struct Clip {
  double low = 0, high = 0;
};
struct MulShift {
  int32_t multiplier = 1, rshift = 0;
};
struct Concat {
  int64_t axis = 1;
};
/// All begins, then all ends (2 * rank); negative amounts crop; value as stored.
struct Pad {
  std::vector<int64_t> paddings;
  double value = 0;
};
struct Slice {
  std::vector<int64_t> offset, steps; ///< sizes are the output's
};
/// Axis i of the result is axis order[i] of the input; one entry an axis of the tensors.
struct Permute {
  std::vector<int64_t> order;
};
/// Nearest: result row y is input row rows[y], column x is column columns[x]; never decreasing.
struct Interp {
  std::vector<int64_t> rows, columns;
};
/// A resize of integers or F32 by weighted sums of columns, then rows (linear, cubic).
struct Blend {
  AxisTaps rows, columns;
};
struct LeakyRelu {
  int32_t multiplier = 0, rshift = 0; ///< of integers
  double alpha = 0;                   ///< of floats, 0 to 1
};
/// F32 only.
struct Sigmoid {};
/// F32 only.
struct Softmax {
  int64_t axis = 1;
};
/// Result byte table[input byte], I8 or U8 each.
struct Lut {
  std::vector<uint8_t> table; ///< 256
};
struct Relu {};
struct Compare {
  bool less = false;
  double threshold = 0;
};
/// F32 with F32.
struct ComparePair {
  codegen::Comparison how = codegen::Comparison::Greater;
};
/// Inputs condition, a, b, floats of one type.
struct Where {};
/// Of integers over an axis of at most 256.
struct Arg {
  int64_t axis = 1;
  bool smallest = false, lastIndex = false;
};
/// F32 -> I8|U8 by the result's scale, I8|U8 -> F32 by the input's, or between F32 and F16 or BF16.
struct Cast {};
struct Reshape {};
/// What the chip rooms cannot do (yet); refused by name with `reason` and `hint`.
struct Unsupported {
  std::string reason, hint;
};

using Op =
    std::variant<Conv2D, Deconv, UpConv, MaxPool, AvgPool, Add, Sub, Mul, Div, Clip, MulShift,
                 Concat, Pad, Slice, Permute, Interp, Blend, LeakyRelu, Sigmoid, Softmax, Lut, Relu,
                 Compare, ComparePair, Where, Arg, Cast, Reshape, Unsupported>;

template <class... Ops> bool isOneOf(const Op &op) {
  return (std::holds_alternative<Ops>(op) || ...);
}

struct Layer {
  std::string type;            ///< op name as the user knows it, e.g. "Conv2D"
  int64_t id = -1;             ///< of the tpu op
  std::vector<int32_t> inputs; ///< tensor indices
  int32_t output = -1;
  Op op;
  std::vector<int64_t> from{}; ///< ids of the top ops that it stands for
};

struct Network {
  std::string name;
  std::vector<NetTensor> tensors;
  std::vector<Layer> layers; ///< each after the layers that make its inputs
  std::vector<int32_t> inputs, outputs;

  int32_t addTensor(NetTensor t) {
    tensors.push_back(std::move(t));
    return int32_t(tensors.size()) - 1;
  }
};

} // namespace tessera::schedule
