#pragma once
// sAR on aligned tensors: the building blocks of every element-wise recipe (bm1684x.md 3.6,
// measured numerics 5 and 9).
#include "tessera/codegen/elementwise.h"
#include "tessera/numerics/rounding.h"

#include <optional>

namespace tessera::codegen {

/// Operation numbers of sAR.
enum class Arith : uint8_t {
  Mul = 0,
  Add = 2,
  Sub = 3,
  Max = 4,
  Min = 5,
  Xor = 9,
  SelectGreater = 10,
  Div = 12, ///< F32
  SelectLess = 13,
  Cast = 14,
  AddSat = 15,
  Copy = 19,
  MulSat = 20,
};

/// A tensor in the aligned layout, a per-channel int vector, or an immediate.
struct ArithOperand {
  bool immediate = false;
  uint32_t value = 0; ///< address, or the bits of the immediate
  DType dtype = DType::I8;
  std::optional<isa::Strides> strides; ///< free strides in elements; absent = aligned
  LaneRange range;
};
ArithOperand tensorOperand(const LocalTensor &t);
/// The low bits of `value` by the type's width.
ArithOperand immediateOperand(int64_t value, DType dtype);
ArithOperand immediateFloat(float value);
/// `value` rounded to a float type.
ArithOperand roundedOperand(float value, DType type);

struct ArithExtra {
  /// opd2: an immediate shift (positive = left) of the add/mul forms, with its rounding.
  std::optional<int> shift = std::nullopt;
  /// opd2: what a select gives where the condition holds.
  std::optional<uint32_t> selected = std::nullopt;
  numerics::Rounding rounding = numerics::Rounding::HalfUp;
  int divisionSteps = 0; ///< of Div: 1 to 4
};
/// result = a op b, sizes from `result`; `strides`: free strides of the result.
Instruction arith(Arith op, const LocalTensor &result, const ArithOperand &a, const ArithOperand &b,
                  const ArithExtra &extra = {}, std::optional<isa::Strides> strides = {});
/// One command on two tensors, of which one may be repeated.
Elementwise pairRecipe(Arith op, const ArithExtra &extra = {});
/// Cast (float to integer, integer to narrower integer with saturation); codes 0..4.
Instruction castTo(const LocalTensor &result, const LocalTensor &x, numerics::Rounding rounding);
/// Copy with free strides on both sides over a [n,c,h,w] box; `range`s bound what is touched.
Instruction stridedCopy(DType dtype, const std::array<int64_t, 4> &size, uint32_t to,
                        const isa::Strides &toStrides, LaneRange toRange, uint32_t from,
                        const isa::Strides &fromStrides, LaneRange fromRange);
/// Element (y, x) of `plane` to (row0 + stepY * y, column0 + stepX * x) of `to`, which has no
/// pitch.
Instruction interleave(const LocalTensor &plane, int64_t stepY, int64_t stepX, int64_t row0,
                       int64_t column0, const LocalTensor &to);
/// Copy to a tensor of the same size that may start at any element; rows lie without gaps in both.
Instruction copyRows(const LocalTensor &from, const LocalTensor &to);
/// Rows [y0, y1), columns [x0, x1) of every channel of `to` = the low bits of `value`.
Instruction fillLocal(const LocalTensor &to, int64_t y0, int64_t y1, int64_t x0, int64_t x1,
                      int64_t value);

} // namespace tessera::codegen
