#include "tessera/codegen/arg.h"

#include "tessera/codegen/arith.h"

#include <bit>

namespace tessera::codegen {

namespace {

Elementwise argOfTwo(bool smallest, bool lastIndex) {
  Elementwise e;
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in, std::span<const LocalTensor>,
               const LocalTensor &out) {
    // First of equals: 1 only if the second strictly wins. Last: 0 only if the first strictly wins.
    bool secondFirst = smallest == lastIndex;
    bool floats = out.dtype == DType::F32;
    list.push_back(arith(Arith::SelectGreater, out, tensorOperand(in[secondFirst ? 1 : 0]),
                         tensorOperand(in[secondFirst ? 0 : 1]),
                         {.selected = floats ? std::bit_cast<uint32_t>(1.0f) : 1}));
    if (lastIndex && floats)
      list.push_back(arith(Arith::Sub, out, immediateFloat(1), tensorOperand(out)));
    else if (lastIndex)
      list.push_back(arith(Arith::Xor, out, tensorOperand(out), immediateOperand(1, DType::U8)));
  };
  return e;
}

} // namespace

Elementwise argRecipe(int64_t count, bool smallest, bool lastIndex, DType type) {
  if (count == 2)
    return argOfTwo(smallest, lastIndex);
  Elementwise e;
  DType numbers = type == DType::F32 ? type : DType::U8;
  e.scratch = {type, type, numbers, numbers};
  auto immediate = [=](int64_t v) {
    return numbers == DType::F32 ? immediateFloat(float(v)) : immediateOperand(v, numbers);
  };
  e.emit = [=](Instructions &list, std::span<const LocalTensor> in,
               std::span<const LocalTensor> tmp, const LocalTensor &out) {
    // Walked so that who wins is strictly better: its number is then the largest so far. No command
    // writes what it reads, which takes twice the time.
    auto at = [&](int64_t k) -> const LocalTensor & {
      return in[size_t(lastIndex ? count - 1 - k : k)];
    };
    const LocalTensor *best = &at(0);
    // The result so far ends in `out`, before the last step of lastIndex.
    auto number = [&](int64_t k) -> const LocalTensor & {
      return (count - 1 - k) % 2 == 0 ? out : tmp[2];
    };
    // Less than itself never holds: 0 everywhere.
    list.push_back(arith(Arith::SelectLess, number(0), tensorOperand(in[0]), tensorOperand(in[0]),
                         {.selected = 0}));
    for (int64_t k = 1; k < count; ++k) {
      list.push_back(arith(smallest ? Arith::SelectLess : Arith::SelectGreater, tmp[3],
                           tensorOperand(at(k)), tensorOperand(*best),
                           {.selected = immediate(k).value}));
      list.push_back(
          arith(Arith::Max, number(k), tensorOperand(number(k - 1)), tensorOperand(tmp[3])));
      if (k + 1 == count)
        break;
      const LocalTensor &next = tmp[size_t(k % 2)];
      list.push_back(arith(smallest ? Arith::Min : Arith::Max, next, tensorOperand(at(k)),
                           tensorOperand(*best)));
      best = &next;
    }
    if (lastIndex)
      list.push_back(arith(Arith::Sub, out, immediate(count - 1), tensorOperand(out)));
  };
  return e;
}

} // namespace tessera::codegen
