// sAR, element-wise arithmetic ("BM1684X measured numerics", sections 5, 9 and 10).
#include "tessera/sim/element.h"
#include "tessera/sim/exec/exec.h"
#include "tessera/sim/kernels/elementwise.h"
#include "tessera/sim/local.h"

#include <bit>

namespace tessera::sim::exec {
namespace {

using isa::sAR;
using numerics::Rounding;
using numerics::shiftRight;

enum Op : uint64_t {
  kMul = 0,
  kNot = 1,
  kAdd = 2,
  kSub = 3,
  kMax = 4,
  kMin = 5,
  kLogicalShift = 6,
  kAnd = 7,
  kOr = 8,
  kXor = 9,
  kSelectGreater = 10,
  kSelectEqual = 11,
  kDiv = 12,
  kSelectLess = 13,
  kCast = 14,
  kAddSat = 15,
  kSubSat = 16,
  kCopy = 19,
  kMulSat = 20,
  kArithmeticShift = 21,
};

struct Item {
  Type type = Type::Int8;
  bool isSigned = true;
  int64_t bits() const { return chip::bitsOf(type); }
  bool operator==(const Item &) const = default;
};

/// What one sAR computes on: result and up to three operands with their types.
struct Ar {
  sAR f;
  Dims d;
  Item res, a, b;
  Operand r, x, y;
  Rounding round;
};

Result<Operand> operand(Machine &m, const Ar &ar, const char *what, uint64_t str, uint64_t address,
                        bool immediate, Type type, isa::Operand which) {
  if (immediate)
    return Operand::constant(uint32_t(address));
  int64_t size = chip::bytesOf(type);
  if (size == 0)
    return unsupported(fmt::format("{}: element type code {}", what, int(type)));
  LocalLayout layout;
  int64_t lane = chip::laneOf(address);
  switch (str) {
  case 0:
    layout = chip::alignedLayout(lane, ar.d.n, ar.d.c, ar.d.h, ar.d.w, size);
    break;
  case 1:
    layout = chip::compactLayout(lane, ar.d.n, ar.d.c, ar.d.h, ar.d.w);
    break;
  case 2:
    layout = chip::perChannelLayout();
    break;
  case 3: {
    isa::Strides s = isa::arStrides(ar.f, which);
    layout = {int64_t(s.n), int64_t(s.c), int64_t(s.h), int64_t(s.w)};
    break;
  }
  default:
    return unsupported(fmt::format("{}: layout code {}", what, str));
  }
  TESSERA_ASSIGN(Local t, local(m, what, address, ar.d, size, layout));
  return Operand::of(t);
}

/// Runs f(values, x values, y values, count) over the result in chunks of int64.
template <class F> void intLoop(const Ar &ar, F f) {
  forRows<3>(ar.d, {ar.r, ar.x, ar.y}, [&](auto p, auto step, int64_t count) {
    int64_t x[kRun], y[kRun], v[kRun];
    for (int64_t i = 0; i < count; i += kRun) {
      int64_t n = std::min(kRun, count - i);
      loadInts(x, p[1] + i * step[1], step[1], n, ar.a.bits(), ar.a.isSigned);
      loadInts(y, p[2] + i * step[2], step[2], n, ar.b.bits(), ar.b.isSigned);
      f(v, x, y, n);
      storeInts(p[0] + i * step[0], step[0], v, n, ar.res.bits());
    }
  });
}

template <class F> void floatLoop(const Ar &ar, F f) {
  forRows<3>(ar.d, {ar.r, ar.x, ar.y}, [&](auto p, auto step, int64_t count) {
    float x[kRun], y[kRun], v[kRun];
    for (int64_t i = 0; i < count; i += kRun) {
      int64_t n = std::min(kRun, count - i);
      loadFloats(x, p[1] + i * step[1], step[1], n, ar.a.type);
      loadFloats(y, p[2] + i * step[2], step[2], n, ar.b.type);
      for (int64_t k = 0; k < n; ++k)
        v[k] = f(x[k], y[k]);
      storeFloats(p[0] + i * step[0], step[0], v, n, ar.res.type);
    }
  });
}

/// v << s or v >> -s rounded; the signed 8-bit amount is opd2 (sections 5.2, 5.3).
int64_t shifted(int64_t v, int64_t s, Rounding mode) {
  return s >= 0 ? (s > 63 ? 0 : int64_t(uint64_t(v) << s))
                : shiftRight(v, int(std::min<int64_t>(-s, 63)), mode);
}

/// The int32 bias addition of every convolution, worth its own loop.
bool addSatInt32(const Ar &ar) {
  Item i32{Type::Int32, true};
  if (ar.a != i32 || ar.b != i32 || ar.res.type != Type::Int32)
    return false;
  forRows<3>(ar.d, {ar.r, ar.x, ar.y}, [](auto p, auto step, int64_t count) {
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
bool scaleBytes(const Ar &ar, bool resultSigned) {
  const sAR &f = ar.f;
  int shift = -int(int8_t(f.opd2_addr & 0xFF));
  if (f.tsk_opd_num != 3 || !f.opd2_const || !f.opd1_const || ar.a.type != Type::Int8 ||
      ar.b.type != Type::Int8 || ar.res.bits() == 32 || ar.round != Rounding::HalfUp || shift < 1 ||
      shift > 31 || ar.r.tensor.strides.w != 1 || ar.x.immediate || ar.x.tensor.strides.w != 1)
    return false;
  int32_t factor = ar.b.isSigned ? int8_t(f.opd1_addr) : uint8_t(f.opd1_addr);
  IntRange range = rangeOf(ar.res.bits(), resultSigned);
  forRows<2>(ar.d, {ar.r, ar.x}, [&](auto p, auto, int64_t count) {
    kernels::scaleBytes(p[0], p[1], count, ar.a.isSigned, factor, shift, range, ar.res.bits());
  });
  return true;
}

Status arithmetic(Machine &m, const Ar &ar) {
  uint64_t op = ar.f.tsk_eu_typ;
  bool saturating = op == kAddSat || op == kSubSat || op == kMulSat;
  auto value = [op](int64_t x, int64_t y) {
    return op == kAdd || op == kAddSat ? x + y
           : op == kSub || op == kSubSat
               ? x - y
               : int64_t(uint64_t(x) * uint64_t(y)); // two unsigned words: wraps
  };
  // sub_sat has a signed result, also for unsigned minus unsigned.
  bool isSigned = op == kSubSat || ar.a.isSigned || ar.b.isSigned;
  IntRange range = rangeOf(ar.res.bits(), isSigned);
  bool isShifted = ar.f.tsk_opd_num == 3;
  if (!isShifted && op == kAddSat && addSatInt32(ar))
    return {};
  if (op == kMulSat && scaleBytes(ar, isSigned))
    return {};
  if (!isShifted || ar.f.opd2_const) {
    int64_t s = isShifted ? int8_t(ar.f.opd2_addr & 0xFF) : 0;
    intLoop(ar, [=, &ar](int64_t *v, const int64_t *x, const int64_t *y, int64_t n) {
      for (int64_t k = 0; k < n; ++k)
        v[k] = value(x[k], y[k]);
      if (s)
        for (int64_t k = 0; k < n; ++k)
          v[k] = shifted(v[k], s, ar.round);
      if (saturating)
        saturateRun(v, n, range);
    });
    return {};
  }
  // One int8 amount per channel, compact.
  TESSERA_ASSIGN(Local amounts,
                 local(m, "opd2", ar.f.opd2_addr, {1, ar.d.c, 1, 1}, 1, chip::perChannelLayout()));
  forRows<4>(ar.d, {ar.r, ar.x, ar.y, Operand::of(amounts)}, [&](auto p, auto step, int64_t count) {
    int64_t x[kRun], y[kRun], v[kRun], s = *reinterpret_cast<const int8_t *>(p[3]);
    for (int64_t i = 0; i < count; i += kRun) {
      int64_t n = std::min(kRun, count - i);
      loadInts(x, p[1] + i * step[1], step[1], n, ar.a.bits(), ar.a.isSigned);
      loadInts(y, p[2] + i * step[2], step[2], n, ar.b.bits(), ar.b.isSigned);
      for (int64_t k = 0; k < n; ++k)
        v[k] = shifted(value(x[k], y[k]), s, ar.round);
      if (saturating)
        saturateRun(v, n, range);
      storeInts(p[0] + i * step[0], step[0], v, n, ar.res.bits());
    }
  });
  return {};
}

Status copy(const Ar &ar) {
  if (ar.res.bits() != ar.a.bits())
    return unsupported("copy between element sizes");
  forRows<2>(ar.d, {ar.r, ar.x}, [&](auto p, auto step, int64_t count) {
    auto typed = [&]<class T>(T) {
      if (step[0] == sizeof(T) && step[1] == sizeof(T)) {
        std::memmove(p[0], p[1], count * sizeof(T));
      } else if (step[0] == sizeof(T) && step[1] == 0) {
        T v = loadAs<T>(p[1]);
        for (int64_t i = 0; i < count; ++i)
          storeAs<T>(p[0] + i * int64_t(sizeof(T)), v);
      } else {
        for (int64_t i = 0; i < count; ++i)
          storeAs<T>(p[0] + i * step[0], loadAs<T>(p[1] + i * step[1]));
      }
    };
    switch (ar.res.bits()) {
    case 8:
      return typed(uint8_t{});
    case 16:
      return typed(uint16_t{});
    default:
      return typed(uint32_t{});
    }
  });
  return {};
}

Status cast(const Ar &ar) {
  bool fromFloat = chip::isFloat(ar.a.type), toFloat = chip::isFloat(ar.res.type);
  Item res{ar.res.type, ar.f.opd2_sign != 0};
  IntRange range = toFloat ? IntRange{} : rangeOf(res.bits(), res.isSigned);
  if ((fromFloat || toFloat) && ar.f.opd2_n_str > 4)
    return unsupported(fmt::format("cast with rounding code {}", ar.f.opd2_n_str));
  if (fromFloat && toFloat && ar.a.type != Type::Fp32 && res.type != Type::Fp32 &&
      ar.a.type != res.type)
    return unsupported("cast between fp16 and bf16");
  forRows<2>(ar.d, {ar.r, ar.x}, [&](auto p, auto step, int64_t count) {
    int64_t v[kRun];
    float x[kRun];
    for (int64_t i = 0; i < count; i += kRun) {
      int64_t n = std::min(kRun, count - i);
      uint8_t *out = p[0] + i * step[0];
      const uint8_t *in = p[1] + i * step[1];
      if (!fromFloat) {
        loadInts(v, in, step[1], n, ar.a.bits(), ar.a.isSigned);
      } else {
        loadFloats(x, in, step[1], n, ar.a.type);
        for (int64_t k = 0; k < n; ++k)
          x[k] = numerics::flush(x[k]);
      }
      if (!toFloat) {
        if (fromFloat)
          for (int64_t k = 0; k < n; ++k)
            v[k] = numerics::roundToInt(x[k], ar.round);
        saturateRun(v, n, range);
        storeInts(out, step[0], v, n, res.bits());
        continue;
      }
      for (int64_t k = 0; k < n; ++k) {
        if (!fromFloat)
          x[k] = numerics::intToFloat(v[k], ar.round);
        else if (ar.a.type == res.type) // rounding to whole numbers, e.g. floor
          x[k] = numerics::roundToWhole(x[k], ar.round);
        uint8_t *to = out + k * step[0];
        if (res.type == Type::Fp32)
          storeAs<float>(to, x[k]);
        else
          storeAs<uint16_t>(to, res.type == Type::Fp16 ? numerics::floatToHalf(x[k], ar.round)
                                                       : numerics::floatToBfloat(x[k], ar.round));
      }
    }
  });
  return {};
}

/// condition ? opd2 : 0.
Status select(const Ar &ar) {
  if (!ar.f.opd2_const)
    return unsupported("select with a tensor as value");
  uint64_t op = ar.f.tsk_eu_typ;
  int64_t chosen = ar.f.opd2_addr;
  if (chip::isFloat(ar.a.type)) {
    // "equal" compares bit patterns; "less" is true with a NaN unless the patterns are equal.
    forRows<3>(ar.d, {ar.r, ar.x, ar.y}, [&](auto p, auto step, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        float x, y;
        const uint8_t *a = p[1] + i * step[1], *b = p[2] + i * step[2];
        loadFloats(&x, a, 0, 1, ar.a.type);
        loadFloats(&y, b, 0, 1, ar.b.type);
        bool equal = std::memcmp(a, b, ar.a.bits() / 8) == 0;
        bool holds = op == kSelectGreater ? x > y
                     : op == kSelectEqual ? equal
                                          : !(x >= y) && !equal;
        int64_t v = holds ? chosen : 0;
        storeInts(p[0] + i * step[0], 0, &v, 1, ar.res.bits());
      }
    });
    return {};
  }
  intLoop(ar, [=](int64_t *v, const int64_t *x, const int64_t *y, int64_t n) {
    for (int64_t k = 0; k < n; ++k) {
      bool holds = op == kSelectGreater ? x[k] > y[k]
                   : op == kSelectEqual ? x[k] == y[k]
                                        : x[k] < y[k];
      v[k] = holds ? chosen : 0;
    }
  });
  return {};
}

Status floats(const Ar &ar) {
  if (ar.a.type != ar.res.type || (ar.f.tsk_opd_num > 1 && ar.b.type != ar.res.type))
    return unsupported("operands and result of different float types");
  switch (ar.f.tsk_eu_typ) {
  case kAdd:
  case kAddSat:
    floatLoop(ar, numerics::addFlush);
    return {};
  case kSub:
  case kSubSat:
    floatLoop(ar, numerics::subFlush);
    return {};
  case kMul:
  case kMulSat:
    floatLoop(ar, numerics::mulFlush);
    return {};
  case kMax:
    floatLoop(ar, numerics::maxFlush);
    return {};
  case kMin:
    floatLoop(ar, numerics::minFlush);
    return {};
  case kDiv: {
    if (ar.a.type != Type::Fp32)
      return unsupported("division of half types");
    int steps = int(ar.f.opd2_n_str) + 1;
    floatLoop(ar, [=](float a, float b) { return numerics::divide(a, b, steps); });
    return {};
  }
  default:
    return unsupported("this operation on floats");
  }
}

Status ints(Machine &m, const Ar &ar) {
  uint64_t op = ar.f.tsk_eu_typ;
  switch (op) {
  case kMul:
  case kAdd:
  case kSub:
  case kAddSat:
  case kSubSat:
  case kMulSat:
    return arithmetic(m, ar);
  case kMax:
  case kMin:
    if (ar.a.type != ar.res.type || ar.b.type != ar.res.type || ar.a.isSigned != ar.b.isSigned)
      return unsupported("max or min of mixed types");
    intLoop(ar, [op](int64_t *v, const int64_t *x, const int64_t *y, int64_t n) {
      for (int64_t k = 0; k < n; ++k)
        v[k] = op == kMax ? std::max(x[k], y[k]) : std::min(x[k], y[k]);
    });
    return {};
  case kAnd:
  case kOr:
  case kXor:
    intLoop(ar, [op](int64_t *v, const int64_t *x, const int64_t *y, int64_t n) {
      for (int64_t k = 0; k < n; ++k)
        v[k] = op == kAnd ? x[k] & y[k] : op == kOr ? x[k] | y[k] : x[k] ^ y[k];
    });
    return {};
  case kNot:
    intLoop(ar, [](int64_t *v, const int64_t *x, const int64_t *, int64_t n) {
      for (int64_t k = 0; k < n; ++k)
        v[k] = ~x[k];
    });
    return {};
  case kArithmeticShift:
  case kLogicalShift: {
    Ar shift = ar;
    shift.b.isSigned = true;
    // The logical shift takes its operand as unsigned of its own width.
    if (op == kLogicalShift)
      shift.a.isSigned = false;
    intLoop(shift, [&](int64_t *v, const int64_t *x, const int64_t *y, int64_t n) {
      for (int64_t k = 0; k < n; ++k)
        v[k] = shifted(x[k], int8_t(y[k]), ar.round);
    });
    return {};
  }
  default:
    return unsupported("this operation");
  }
}

} // namespace

Status ar(Machine &m, const isa::Command &command) {
  Ar ar{};
  ar.f = isa::decode<sAR>(command);
  const sAR &f = ar.f;
  ar.d = {int64_t(f.res0_n), int64_t(f.res0_c), int64_t(f.res0_h), int64_t(f.res0_w)};
  ar.res = {Type(f.res0_prec), true};
  ar.a = {Type(f.opd0_prec), f.opd0_sign != 0};
  ar.b = {Type(f.opd1_prec), f.opd1_sign != 0};
  ar.round = Rounding(f.opd2_n_str > 6 ? 0 : f.opd2_n_str);
  if (f.opd2_n_str > 6)
    return unsupported(fmt::format("rounding code {}", f.opd2_n_str));
  TESSERA_ASSIGN(ar.r, operand(m, ar, "result", f.res0_str, f.res0_addr, false, ar.res.type,
                               isa::Operand::Res0));
  TESSERA_ASSIGN(ar.x, operand(m, ar, "opd0", f.opd0_str, f.opd0_addr, f.opd0_const, ar.a.type,
                               isa::Operand::Opd0));
  ar.y = Operand::constant(0);
  if (f.tsk_opd_num > 1) {
    TESSERA_ASSIGN(ar.y, operand(m, ar, "opd1", f.opd1_str, f.opd1_addr, f.opd1_const, ar.b.type,
                                 isa::Operand::Opd1));
  }
  TESSERA_TRY(sameLane({&ar.r, &ar.x, &ar.y}));
  switch (f.tsk_eu_typ) {
  case kCopy:
    return copy(ar);
  case kCast:
    return cast(ar);
  case kSelectGreater:
  case kSelectEqual:
  case kSelectLess:
    return select(ar);
  default:
    return chip::isFloat(ar.a.type) || chip::isFloat(ar.res.type) ? floats(ar) : ints(m, ar);
  }
}

} // namespace tessera::sim::exec
