// Sums, products and extremes of integers (docs/numerics.md, "AR"). Operands of 8, 16 and 32 bits
// mix freely; values are exact until the result is narrowed.
#include "tessera/numerics/integer.h"
#include "tessera/sim/exec/ar.h"
#include "tessera/sim/kernels/elementwise.h"

namespace tessera::sim::exec {

bool takesShift(Ar op) {
  return op == Ar::Add || op == Ar::Sub || op == Ar::Mul || op == Ar::AddSat || op == Ar::SubSat ||
         op == Ar::MulSat;
}

namespace {

using numerics::Wide;

/// The int32 bias addition of every convolution, worth its own loop.
bool addSatInt32(const Arithmetic &a) {
  Item i32{Type::Int32, true};
  if (a.a != i32 || a.b != i32 || a.res.type != Type::Int32)
    return false;
  forRows<3>(a.d, {a.r, a.x, a.y}, [](auto p, auto step, int64_t count) {
    if (step[0] == 4 && step[1] == 0 && step[2] == 4) {
      kernels::addSaturateInt32(reinterpret_cast<int32_t *>(p[0]),
                                reinterpret_cast<const int32_t *>(p[2]), loadAs<int32_t>(p[1]),
                                count);
      return;
    }
    for (int64_t i = 0; i < count; ++i)
      storeAs<int32_t>(p[0] + i * step[0],
                       numerics::saturate<int32_t>(int64_t(loadAs<int32_t>(p[1] + i * step[1])) +
                                                   loadAs<int32_t>(p[2] + i * step[2])));
  });
  return true;
}

/// 8-bit values times an immediate, shifted right: the rescaling of element-wise layers.
bool scaleBytes(const Arithmetic &a, bool resultSigned) {
  int shift = -int(int8_t(a.opd2 & 0xFF));
  if (a.operands != 3 || a.hasShifts || !a.y.immediate || a.a.type != Type::Int8 ||
      a.b.type != Type::Int8 || a.res.bits() == 32 || a.round() != numerics::Rounding::HalfUp ||
      shift < 1 || shift > 31 || a.r.tensor.strides.w != 1 || a.x.immediate ||
      a.x.tensor.strides.w != 1)
    return false;
  int32_t factor = a.b.isSigned ? int8_t(a.y.value) : uint8_t(a.y.value);
  IntRange range = rangeOf(a.res.bits(), resultSigned);
  forRows<2>(a.d, {a.r, a.x}, [&](auto p, auto, int64_t count) {
    kernels::scaleBytes(p[0], p[1], count, a.a.isSigned, factor, shift, range, a.res.bits());
  });
  return true;
}

Status arithmetic(const Arithmetic &a) {
  Ar op = a.op;
  bool saturating = op == Ar::AddSat || op == Ar::SubSat || op == Ar::MulSat;
  bool isProduct = op == Ar::Mul || op == Ar::MulSat;
  // sub_sat has a signed result, also for unsigned minus unsigned.
  bool isSigned = op == Ar::SubSat || a.a.isSigned || a.b.isSigned;
  IntRange range = rangeOf(a.res.bits(), isSigned);
  bool isShifted = a.operands == 3;
  if (!isShifted && op == Ar::AddSat && addSatInt32(a))
    return {};
  if (op == Ar::MulSat && scaleBytes(a, isSigned))
    return {};
  int amount = isShifted && !a.hasShifts ? int8_t(a.opd2 & 0xFF) : 0;
  // Sums wrap in 64 bits when shifted left, products never do.
  int64_t bits = isProduct ? a.a.bits() + a.b.bits() : 0;
  bits += a.hasShifts ? 31 : amount > 0 ? amount & 31 : 0;
  auto sums = [&]<class T>(T) {
    forRows<4>(a.d, {a.r, a.x, a.y, a.shifts}, [&](auto p, auto step, int64_t count) {
      int64_t x[kRun], y[kRun], v[kRun];
      int shift = a.hasShifts ? *reinterpret_cast<const int8_t *>(p[3]) : amount;
      for (int64_t i = 0; i < count; i += kRun) {
        int64_t n = std::min(kRun, count - i);
        loadInts(x, p[1] + i * step[1], step[1], n, a.a.bits(), a.a.isSigned);
        loadInts(y, p[2] + i * step[2], step[2], n, a.b.bits(), a.b.isSigned);
        T exact[kRun];
        if (isProduct)
          for (int64_t k = 0; k < n; ++k)
            exact[k] = T(x[k]) * T(y[k]);
        else if (op == Ar::Add || op == Ar::AddSat)
          for (int64_t k = 0; k < n; ++k)
            exact[k] = x[k] + y[k];
        else
          for (int64_t k = 0; k < n; ++k)
            exact[k] = x[k] - y[k];
        if (shift)
          for (int64_t k = 0; k < n; ++k)
            exact[k] = numerics::shiftBy<T>(exact[k], shift, a.round());
        if (saturating)
          for (int64_t k = 0; k < n; ++k)
            v[k] = int64_t(exact[k] < range.lo   ? range.lo
                           : exact[k] > range.hi ? range.hi
                                                 : exact[k]);
        else
          for (int64_t k = 0; k < n; ++k)
            v[k] = int64_t(exact[k]);
        storeInts(p[0] + i * step[0], step[0], v, n, a.res.bits());
      }
    });
  };
  if (bits < 63)
    sums(int64_t{});
  else
    sums(Wide{});
  return {};
}

/// old + a * b: 16-bit sums shift the old value left first, and saturate where both factors have 8
/// bits; all others wrap.
Status mac(const Arithmetic &a) {
  bool isSigned = a.a.isSigned || a.b.isSigned, is16 = a.res.type == Type::Int16;
  bool saturates = is16 && a.a.bits() == 8 && a.b.bits() == 8;
  if (a.res.bits() == 8)
    return unsupported("multiply-accumulate into 8 bits");
  int left = int(a.opd2 & 0xFF), right = int(a.opd2 >> 8 & 0xFF);
  IntRange range = rangeOf(16, isSigned);
  forRows<4>(a.d, {a.r, a.x, a.y, a.old}, [&](auto p, auto step, int64_t count) {
    int64_t x[kRun], y[kRun], old[kRun];
    for (int64_t i = 0; i < count; i += kRun) {
      int64_t n = std::min(kRun, count - i);
      loadInts(x, p[1] + i * step[1], step[1], n, a.a.bits(), a.a.isSigned);
      loadInts(y, p[2] + i * step[2], step[2], n, a.b.bits(), a.b.isSigned);
      loadInts(old, p[3] + i * step[3], step[3], n, a.res.bits(), isSigned);
      for (int64_t k = 0; k < n; ++k) {
        Wide v = numerics::accumulate(old[k], int64_t(uint64_t(x[k]) * uint64_t(y[k])),
                                      is16 ? left : 0, right, a.round(), isSigned);
        if (saturates)
          v = v < range.lo ? range.lo : v > range.hi ? range.hi : v;
        old[k] = int64_t(v);
      }
      storeInts(p[0] + i * step[0], step[0], old, n, a.res.bits());
    }
  });
  return {};
}

} // namespace

Status arIntegers(const Arithmetic &a) {
  switch (a.op) {
  case Ar::Mul:
  case Ar::Add:
  case Ar::Sub:
  case Ar::AddSat:
  case Ar::SubSat:
  case Ar::MulSat:
    return arithmetic(a);
  case Ar::Max:
  case Ar::Min: {
    bool isMax = a.op == Ar::Max;
    if (a.a.type != a.res.type || a.b.type != a.res.type || a.a.isSigned != a.b.isSigned)
      return unsupported("max or min of mixed types");
    intLoop(a, [=](int64_t *v, const int64_t *x, const int64_t *y, int64_t n) {
      for (int64_t k = 0; k < n; ++k)
        v[k] = isMax ? std::max(x[k], y[k]) : std::min(x[k], y[k]);
    });
    return {};
  }
  case Ar::Mac:
    return mac(a);
  case Ar::DoublingHighMul: {
    IntRange range = rangeOf(a.res.bits(), a.a.isSigned || a.b.isSigned);
    intLoop(a, [&](int64_t *v, const int64_t *x, const int64_t *y, int64_t n) {
      for (int64_t k = 0; k < n; ++k) {
        Wide w = numerics::doublingHighMultiply(x[k], y[k], int(a.res.bits()), a.round());
        v[k] = int64_t(w < range.lo ? range.lo : w > range.hi ? range.hi : w);
      }
    });
    return {};
  }
  default:
    return unsupported("this operation on integers");
  }
}

} // namespace tessera::sim::exec
