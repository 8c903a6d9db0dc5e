#include "tessera/sim/kernels/elementwise.h"

#include "tessera/sim/kernels/conv.h"

namespace tessera::sim::kernels {
namespace {

// Plain loops that the compiler vectorises. Inlined into one wrapper per instruction set.
#define TESSERA_BODY static inline __attribute__((always_inline)) void

TESSERA_BODY requantizeBody(uint8_t *__restrict out, const int32_t *__restrict in, int64_t count,
                            const Requantize &r) {
  // The product has at most 63 bits, so adding 2^(s-1) cannot overflow for s <= 62. Half away from
  // zero is half up with negative values one smaller.
  int shift = -r.shift;
  int64_t half = int64_t(1) << (shift - 1), m = r.multiplier, zeroPoint = r.zeroPoint,
          lo = r.range.lo, hi = r.range.hi;
  auto loop = [&](auto isAway) __attribute__((always_inline)) {
    for (int64_t i = 0; i < count; ++i) {
      int64_t v = in[i] * m;
      if constexpr (isAway)
        v += v >> 63;
      v = ((v + half) >> shift) + zeroPoint;
      v = v < lo ? lo : v;
      v = v > hi ? hi : v;
      out[i] = uint8_t(v);
    }
  };
  r.mode == numerics::Rounding::HalfAway ? loop(std::true_type{}) : loop(std::false_type{});
}

TESSERA_BODY addSaturateBody(int32_t *out, const int32_t *a, int32_t b, int64_t count) {
  // The sum overflowed when its sign differs from both signs.
  for (int64_t i = 0; i < count; ++i) {
    auto x = uint32_t(a[i]), s = x + uint32_t(b);
    uint32_t overflow = (s ^ x) & (s ^ uint32_t(b));
    uint32_t limit = (x >> 31) + 0x7FFFFFFFu;
    out[i] = int32_t(int32_t(overflow) < 0 ? limit : s);
  }
}

TESSERA_BODY accumulateBody(int32_t *__restrict out, const int16_t *__restrict in, int64_t step,
                            int32_t factor, int64_t count) {
  if (step == 1)
    for (int64_t i = 0; i < count; ++i)
      out[i] += factor * in[i];
  else if (step == 2)
    for (int64_t i = 0; i < count; ++i)
      out[i] += factor * in[2 * i];
  else
    for (int64_t i = 0; i < count; ++i)
      out[i] += factor * in[i * step];
}

TESSERA_BODY maximumBody(int32_t *__restrict out, const int16_t *__restrict in, int64_t step,
                         int64_t count) {
  if (step == 2)
    for (int64_t i = 0; i < count; ++i)
      out[i] = out[i] > in[2 * i] ? out[i] : in[2 * i];
  else
    for (int64_t i = 0; i < count; ++i)
      out[i] = out[i] > in[i * step] ? out[i] : in[i * step];
}

TESSERA_BODY clampBody(uint8_t *__restrict out, const int32_t *__restrict in, int64_t count,
                       int32_t lo, int32_t hi) {
  for (int64_t i = 0; i < count; ++i) {
    int32_t v = in[i] < lo ? lo : in[i];
    out[i] = uint8_t(v > hi ? hi : v);
  }
}

TESSERA_BODY widenBody(int16_t *__restrict out, const uint8_t *__restrict in, int64_t count,
                       bool isSigned) {
  if (isSigned)
    for (int64_t i = 0; i < count; ++i)
      out[i] = int8_t(in[i]);
  else
    for (int64_t i = 0; i < count; ++i)
      out[i] = in[i];
}

template <class T>
TESSERA_BODY scaleTo(T *__restrict out, const int16_t *__restrict in, int64_t count, int32_t factor,
                     int shift, int32_t lo, int32_t hi) {
  int32_t half = int32_t(1) << (shift - 1);
  for (int64_t i = 0; i < count; ++i) {
    int32_t v = (in[i] * factor + half) >> shift;
    v = v < lo ? lo : v;
    out[i] = T(v > hi ? hi : v);
  }
}
TESSERA_BODY scaleBody(uint8_t *out, const uint8_t *in, int64_t count, bool isSigned,
                       int32_t factor, int shift, IntRange range, int64_t outBits) {
  int16_t wide[kRun];
  for (int64_t i = 0; i < count; i += kRun) {
    int64_t n = std::min(kRun, count - i);
    widenBody(wide, in + i, n, isSigned);
    if (outBits == 8)
      scaleTo<uint8_t>(out + i, wide, n, factor, shift, int32_t(range.lo), int32_t(range.hi));
    else
      scaleTo<uint16_t>(reinterpret_cast<uint16_t *>(out) + i, wide, n, factor, shift,
                        int32_t(range.lo), int32_t(range.hi));
  }
}

struct Loops {
  void (*requantize)(uint8_t *, const int32_t *, int64_t, const Requantize &);
  void (*addSaturate)(int32_t *, const int32_t *, int32_t, int64_t);
  void (*accumulate)(int32_t *, const int16_t *, int64_t, int32_t, int64_t);
  void (*maximum)(int32_t *, const int16_t *, int64_t, int64_t);
  void (*clamp)(uint8_t *, const int32_t *, int64_t, int32_t, int32_t);
  void (*widen)(int16_t *, const uint8_t *, int64_t, bool);
  void (*scale)(uint8_t *, const uint8_t *, int64_t, bool, int32_t, int, IntRange, int64_t);
};

#define TESSERA_LOOPS(SUFFIX, TARGET)                                                              \
  TARGET void requantize##SUFFIX(uint8_t *o, const int32_t *i, int64_t n, const Requantize &r) {   \
    requantizeBody(o, i, n, r);                                                                    \
  }                                                                                                \
  TARGET void addSaturate##SUFFIX(int32_t *o, const int32_t *a, int32_t b, int64_t n) {            \
    addSaturateBody(o, a, b, n);                                                                   \
  }                                                                                                \
  TARGET void accumulate##SUFFIX(int32_t *o, const int16_t *i, int64_t s, int32_t f, int64_t n) {  \
    accumulateBody(o, i, s, f, n);                                                                 \
  }                                                                                                \
  TARGET void maximum##SUFFIX(int32_t *o, const int16_t *i, int64_t s, int64_t n) {                \
    maximumBody(o, i, s, n);                                                                       \
  }                                                                                                \
  TARGET void clamp##SUFFIX(uint8_t *o, const int32_t *i, int64_t n, int32_t lo, int32_t hi) {     \
    clampBody(o, i, n, lo, hi);                                                                    \
  }                                                                                                \
  TARGET void widen##SUFFIX(int16_t *o, const uint8_t *i, int64_t n, bool s) {                     \
    widenBody(o, i, n, s);                                                                         \
  }                                                                                                \
  TARGET void scale##SUFFIX(uint8_t *o, const uint8_t *i, int64_t n, bool g, int32_t f, int s,     \
                            IntRange r, int64_t b) {                                               \
    scaleBody(o, i, n, g, f, s, r, b);                                                             \
  }                                                                                                \
  constexpr Loops k##SUFFIX{requantize##SUFFIX, addSaturate##SUFFIX, accumulate##SUFFIX,           \
                            maximum##SUFFIX,    clamp##SUFFIX,       widen##SUFFIX,                \
                            scale##SUFFIX};

TESSERA_LOOPS(Portable, )
#if defined(__x86_64__)
TESSERA_LOOPS(Avx2, __attribute__((target("avx2"))))
TESSERA_LOOPS(Avx512,
              __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512"))))
#endif

const Loops &loops() {
#if defined(__x86_64__)
  std::string_view name = convKernel().name;
  static const bool full = __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if ((name == "avx512" || name == "vnni") && full) // vnni256 stands for a host without them
    return kAvx512;
  if (name != "portable")
    return kAvx2;
#endif
  return kPortable;
}

} // namespace

void requantizeInt32(uint8_t *out, const int32_t *in, int64_t count, const Requantize &r) {
  if (r.isPlain()) {
    // The result may lie in the source's memory: a run is finished before it is written.
    uint8_t run[kRun];
    const Loops &l = loops();
    for (int64_t i = 0; i < count; i += kRun) {
      int64_t n = std::min(kRun, count - i);
      l.requantize(run, in + i, n, r);
      std::memcpy(out + i, run, size_t(n));
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    out[i] = uint8_t(requantizeOne(in[i], r));
}

void addSaturateInt32(int32_t *out, const int32_t *a, int32_t b, int64_t count) {
  loops().addSaturate(out, a, b, count);
}
void accumulate(int32_t *out, const int16_t *in, int64_t step, int32_t factor, int64_t count) {
  loops().accumulate(out, in, step, factor, count);
}
void maximum(int32_t *out, const int16_t *in, int64_t step, int64_t count) {
  loops().maximum(out, in, step, count);
}
void clampToBytes(uint8_t *out, const int32_t *in, int64_t count, int32_t lo, int32_t hi) {
  loops().clamp(out, in, count, lo, hi);
}
void widen(int16_t *out, const uint8_t *in, int64_t count, bool isSigned) {
  loops().widen(out, in, count, isSigned);
}
void scaleBytes(uint8_t *out, const uint8_t *in, int64_t count, bool isSigned, int32_t factor,
                int shift, IntRange range, int64_t outBits) {
  loops().scale(out, in, count, isSigned, factor, shift, range, outBits);
}

} // namespace tessera::sim::kernels
