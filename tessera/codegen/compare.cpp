#include "tessera/codegen/compare.h"

#include "tessera/codegen/arith.h"

#include <bit>
#include <cmath>

namespace tessera::codegen {

Elementwise compareRecipe(bool less, double threshold, DType input) {
  int64_t lo = input == DType::I8 ? -128 : 0, hi = input == DType::I8 ? 127 : 255;
  // On whole numbers: x > t is x > floor(t), x < t is x < ceil(t).
  double t = less ? std::ceil(threshold) : std::floor(threshold);
  std::optional<bool> constant;
  if (less ? t > double(hi) : t < double(lo))
    constant = true;
  else if (less ? t <= double(lo) : t >= double(hi))
    constant = false;
  Elementwise e;
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
               const LocalTensor &out) {
    // A select that always or never holds: x < 0 never does for x taken as unsigned.
    if (constant) {
      LocalTensor bits = in[0];
      bits.dtype = DType::U8;
      list.push_back(arith(Arith::SelectLess, out, tensorOperand(bits),
                           immediateOperand(0, DType::U8), {.selected = 1}));
      if (*constant)
        list.push_back(arith(Arith::Xor, out, tensorOperand(out), immediateOperand(1, DType::U8)));
      return;
    }
    list.push_back(arith(less ? Arith::SelectLess : Arith::SelectGreater, out, tensorOperand(in[0]),
                         immediateOperand(int64_t(t), input), {.selected = 1}));
  };
  return e;
}

Elementwise compareFloatRecipe(bool less, float threshold) {
  Elementwise e;
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
               const LocalTensor &out) {
    // "Less" would hold for NaN.
    ArithOperand x = tensorOperand(in[0]), t = immediateFloat(threshold);
    list.push_back(arith(Arith::SelectGreater, out, less ? t : x, less ? x : t,
                         {.selected = std::bit_cast<uint32_t>(1.0f)}));
  };
  return e;
}

Elementwise comparePairRecipe(Comparison how) {
  constexpr auto kOne = std::bit_cast<uint32_t>(1.0f);
  Elementwise e;
  e.repeats = true;
  if (how == Comparison::Equal)
    e.scratch = {DType::F32};
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in,
               std::span<const LocalTensor> tmp, const LocalTensor &out) {
    auto greater = [&](const LocalTensor &to, int a) {
      list.push_back(arith(Arith::SelectGreater, to, tensorOperand(in[size_t(a)]),
                           tensorOperand(in[size_t(1 - a)]), {.selected = kOne}));
    };
    greater(out, how == Comparison::Greater ? 0 : 1);
    if (how == Comparison::Equal) {
      greater(tmp[0], 0);
      list.push_back(arith(Arith::Add, out, tensorOperand(out), tensorOperand(tmp[0])));
    }
    if (how != Comparison::Greater)
      list.push_back(arith(Arith::Sub, out, immediateFloat(1), tensorOperand(out)));
  };
  return e;
}

} // namespace tessera::codegen
