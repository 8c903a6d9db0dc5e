#pragma once
// What all element-wise instructions share: sAR, its long form, sVC. Each decodes its fields into
// an `Arithmetic` and runs it.
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/exec/float_ops.h"
#include "tessera/sim/local.h"

namespace tessera::sim::exec {

/// Minor opcodes of AR (bm1684x.md 3.3).
enum class Ar : uint8_t {
  Mul = 0,
  Not = 1,
  Add = 2,
  Sub = 3,
  Max = 4,
  Min = 5,
  LogicalShift = 6,
  And = 7,
  Or = 8,
  Xor = 9,
  SelectGreater = 10,
  SelectEqual = 11,
  Div = 12,
  SelectLess = 13,
  Cast = 14,
  AddSat = 15,
  SubSat = 16,
  Clamp = 17,
  Mac = 18,
  Copy = 19,
  MulSat = 20,
  ArithmeticShift = 21,
  Rotate = 22,
  DoublingHighMul = 23,
  EuIndex = 24,
  LaneIndex = 25,
  Abs = 26,
  AbsDifference = 27,
  BatchCopy = 28,
  FirstOne = 29,
  FirstZero = 30,
};

struct Item {
  Type type = Type::Int8;
  bool isSigned = true;
  int64_t bits() const { return chip::bitsOf(type); }
  bool operator==(const Item &) const = default;
};

/// One element-wise operation on checked operands.
struct Arithmetic {
  Ar op{};
  int operands = 1;
  Dims d;
  Item a, b;
  Item res;        ///< its sign matters to casts only; elsewhere the operands decide
  Type selected{}; ///< type code of opd2
  Operand r, x, y;
  bool hasShifts = false; ///< opd2 is a tensor of shift amounts, `shifts`
  Operand shifts;
  Operand old;       ///< what lay at the result's place, for multiply-accumulate
  uint32_t opd2 = 0; ///< its field: an immediate, or the address of `shifts`
  uint32_t code = 0; ///< rounding, or steps - 1 of a division
  numerics::Rounding round() const {
    // Code 7 rounds as floor does.
    return code > 6 ? numerics::Rounding::Floor : numerics::Rounding(code);
  }
};

/// How many operands an operation reads at least: 1 to 3 (the third is always an immediate or a
/// shift).
int operandsOf(Ar op);
/// Runs it. Operands that overlap the result are read before anything is written, as the chip does.
Status run(Machine &m, Arithmetic &a);

// Its parts, by arithmetic.
/// Whether opd2 is a shift of the exact value (operations of three operands).
bool takesShift(Ar op);
Status arIntegers(const Arithmetic &a);
Status arBits(const Arithmetic &a);
Status arFloats(const Arithmetic &a);
Status arCast(const Arithmetic &a);
Status arSelect(const Arithmetic &a);

/// One of two floats as max and min give it: the chosen operand's own bits, NaN payloads included,
/// but fp32 and bf16 denormals are zeros.
inline void storeExtreme(uint8_t *to, const uint8_t *first, const uint8_t *second, bool isMax,
                         Type type) {
  float x, y;
  loadFloats(&x, first, 0, 1, type);
  loadFloats(&y, second, 0, 1, type);
  x = numerics::flush(x), y = numerics::flush(y);
  bool takesFirst = isMax ? x > y : !(x >= y);
  float v = takesFirst ? x : y;
  if (v == 0 || type == Type::Fp32)
    storeFloats(to, 0, &v, 1, type);
  else
    storeAs<uint16_t>(to, loadAs<uint16_t>(takesFirst ? first : second));
}

/// Runs f(values, x values, y values, count) over the result in chunks of int64.
template <class F> void intLoop(const Arithmetic &a, F f) {
  forRows<3>(a.d, {a.r, a.x, a.y}, [&](auto p, auto step, int64_t count) {
    int64_t x[kRun], y[kRun], v[kRun];
    for (int64_t i = 0; i < count; i += kRun) {
      int64_t n = std::min(kRun, count - i);
      loadInts(x, p[1] + i * step[1], step[1], n, a.a.bits(), a.a.isSigned);
      loadInts(y, p[2] + i * step[2], step[2], n, a.b.bits(), a.b.isSigned);
      f(v, x, y, n);
      storeInts(p[0] + i * step[0], step[0], v, n, a.res.bits());
    }
  });
}

} // namespace tessera::sim::exec
