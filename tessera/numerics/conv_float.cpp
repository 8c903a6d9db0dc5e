#include "tessera/numerics/conv_float.h"

#include "tessera/numerics/float.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tessera::numerics {
namespace {

// Vectors of the compiler: one body for every instruction set.
template <int V> struct Vector {
  typedef float Float __attribute__((vector_size(4 * V)));
  typedef uint32_t Bits __attribute__((vector_size(4 * V)));
  typedef int32_t Int __attribute__((vector_size(4 * V)));
};

#define TESSERA_INLINE inline __attribute__((always_inline))

template <class T> TESSERA_INLINE void load(T &v, const float *p) { std::memcpy(&v, p, sizeof v); }
template <class T> TESSERA_INLINE void store(float *p, const T &v) { std::memcpy(p, &v, sizeof v); }

/// V lanes of `P` positions at once. Loops over P unroll: their arrays are registers.
template <int V, int P> TESSERA_INLINE void blocksBody(const FloatConvTask &t) {
  using Float = typename Vector<V>::Float;
  using Bits = typename Vector<V>::Bits;
  using Int = typename Vector<V>::Int;
  constexpr uint32_t kExponent = 0x7F800000u, kOne = 1u << 23;
  for (int64_t first = 0; first < t.count; first += P) {
    const float *at[P];
    int64_t index[P];
    for (int p = 0; p < P; ++p) { // the last step repeats its last position
      index[p] = std::min(first + p, t.count - 1);
      at[p] = t.cells + t.positions[index[p]];
    }
    for (int64_t lane = 0; lane < kFloatGroup; lane += V) {
      Float acc[P];
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p)
        load(acc[p], t.sums + index[p] * kFloatGroup + lane);
      const float *weights = t.weights + lane;
      for (int64_t c = 0; c < t.channels; c += kFloatBlock) {
        int64_t n = std::min(kFloatBlock, t.channels - c);
        for (int64_t tap = 0; tap < t.tapCount; ++tap, weights += n * kFloatGroup) {
          int64_t offset = t.taps[tap] + c;
          Int top[P];
#pragma GCC unroll 8
          for (int p = 0; p < P; ++p)
            top[p] = Int{};
          for (int64_t k = 0; k < n; ++k) {
            Float w;
            load(w, weights + k * kFloatGroup);
#pragma GCC unroll 8
            for (int p = 0; p < P; ++p) {
              Int size = Int(w * at[p][offset + k]) & 0x7FFFFFFF;
              top[p] = size > top[p] ? size : top[p];
            }
          }
          // Times 2^(24 - E) a product is below 2^25: conversion truncates, 32 of them fit. Plain
          // products are 2^-102 at least, so E below that means that all are zero.
          Float up[P];
          Int sum[P];
#pragma GCC unroll 8
          for (int p = 0; p < P; ++p) {
            Int e = top[p] & int32_t(kExponent), least = e * 0 + int32_t(25 * kOne);
            top[p] = e > least ? e : least;
            up[p] = Float(278 * kOne - Bits(top[p]));
            sum[p] = Int{};
          }
          for (int64_t k = 0; k < n; ++k) {
            Float w;
            load(w, weights + k * kFloatGroup);
#pragma GCC unroll 8
            for (int p = 0; p < P; ++p)
              sum[p] += __builtin_convertvector(w * at[p][offset + k] * up[p], Int);
          }
#pragma GCC unroll 8
          for (int p = 0; p < P; ++p) {
            Float down = Float(Bits(top[p]) - 24 * kOne);
            Float s = acc[p] + __builtin_convertvector(sum[p], Float) * down;
            // Denormals become zero of their sign.
            Bits bits = Bits(s), sign = bits & 0x80000000u;
            acc[p] = Float((bits & kExponent) == 0 ? sign : bits);
          }
        }
      }
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p)
        store(t.sums + index[p] * kFloatGroup + lane, acc[p]);
    }
  }
}

template <int V, int P> TESSERA_INLINE void chainsBody(const FloatConvTask &t) {
  using Float = typename Vector<V>::Float;
  int64_t items = t.channels * t.tapCount;
  for (int64_t first = 0; first < t.count; first += P) {
    const float *at[P];
    int64_t index[P];
    for (int p = 0; p < P; ++p) {
      index[p] = std::min(first + p, t.count - 1);
      at[p] = t.cells + t.positions[index[p]];
    }
    for (int64_t lane = 0; lane < kFloatGroup; lane += V) {
      Float even[P], odd[P];
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) {
        load(even[p], t.sums + index[p] * kFloatGroup + lane);
        load(odd[p], t.odd + index[p] * kFloatGroup + lane);
      }
      const float *weights = t.weights + lane;
      int64_t c = 0, tap = 0;
      auto next = [&] {
        int64_t offset = t.taps[tap] + c;
        if (++tap == t.tapCount) {
          tap = 0;
          ++c;
        }
        return offset;
      };
      Float w;
      int64_t item = 0;
      for (; item + 1 < items; item += 2, weights += 2 * kFloatGroup) {
        int64_t a = next(), b = next();
        load(w, weights);
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p)
          even[p] += w * at[p][a];
        load(w, weights + kFloatGroup);
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p)
          odd[p] += w * at[p][b];
      }
      if (item < items) {
        int64_t a = next();
        load(w, weights);
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p)
          even[p] += w * at[p][a];
      }
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p)
        store(t.sums + index[p] * kFloatGroup + lane, even[p] + odd[p]);
    }
  }
}

struct Bodies {
  void (*blocks)(const FloatConvTask &);
  void (*chains)(const FloatConvTask &);
};

#define TESSERA_BODIES(NAME, V, P, TARGET)                                                         \
  TARGET void blocks##NAME(const FloatConvTask &t) { blocksBody<V, P>(t); }                        \
  TARGET void chains##NAME(const FloatConvTask &t) { chainsBody<V, P>(t); }                        \
  constexpr Bodies k##NAME{blocks##NAME, chains##NAME};

TESSERA_BODIES(Portable, 4, 2, )
#if defined(__x86_64__)
TESSERA_BODIES(Avx2, 8, 4, __attribute__((target("avx2"))))
TESSERA_BODIES(
    Avx512, 16, 8,
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512"))))
#endif

const Bodies &bodies(Vectors v) {
#if defined(__x86_64__)
  if (v != Vectors::Portable)
    return v == Vectors::Avx512 ? kAvx512 : kAvx2;
#else
  (void)v;
#endif
  return kPortable;
}

// The rules as they stand, one output value at a time.
void blocksByRule(const FloatConvTask &t) {
  for (int64_t p = 0; p < t.count; ++p)
    for (int64_t lane = 0; lane < kFloatGroup; ++lane) {
      float &sum = t.sums[p * kFloatGroup + lane];
      const float *weights = t.weights + lane;
      for (int64_t c = 0; c < t.channels; c += kFloatBlock) {
        int64_t n = std::min(kFloatBlock, t.channels - c);
        for (int64_t tap = 0; tap < t.tapCount; ++tap, weights += n * kFloatGroup) {
          float w[kFloatBlock];
          for (int64_t k = 0; k < n; ++k)
            w[k] = weights[k * kFloatGroup];
          float block = cubeSum(t.cells + t.positions[p] + t.taps[tap] + c, w, n);
          sum = t.turned ? addNan(block, sum) : addNan(sum, block);
        }
      }
    }
}

void chainsByRule(const FloatConvTask &t) {
  for (int64_t p = 0; p < t.count; ++p)
    for (int64_t lane = 0; lane < kFloatGroup; ++lane) {
      float chain[2] = {t.sums[p * kFloatGroup + lane], t.odd[p * kFloatGroup + lane]};
      const float *w = t.weights + lane;
      int64_t item = 0;
      for (int64_t c = 0; c < t.channels; ++c)
        for (int64_t tap = 0; tap < t.tapCount; ++tap, ++item, w += kFloatGroup)
          chain[item & 1] =
              addNan(chain[item & 1], mulNan(t.cells[t.positions[p] + t.taps[tap] + c], *w));
      t.sums[p * kFloatGroup + lane] = addNan(chain[t.turned], chain[!t.turned]);
    }
}

} // namespace

Vectors widestVectors() {
#if defined(__x86_64__)
  static const Vectors widest = __builtin_cpu_supports("avx512bw") &&
                                        __builtin_cpu_supports("avx512dq") &&
                                        __builtin_cpu_supports("avx512vl")
                                    ? Vectors::Avx512
                                : __builtin_cpu_supports("avx2") ? Vectors::Avx2
                                                                 : Vectors::Portable;
  return widest;
#else
  return Vectors::Portable;
#endif
}

bool isPlain(const Magnitudes &cells, const Magnitudes &weights, bool chains) {
  if (cells.high == 0 || weights.high == 0)
    return cells.high < 0x7F800000 && weights.high < 0x7F800000;
  auto exponent = [](uint32_t bits) { return int(bits >> 23) - 127; };
  if (exponent(cells.high) == 128 || exponent(weights.high) == 128)
    return false;
  // A chain's products and sums are multiples of 2^-126 then: no denormal comes up. A block's
  // products stay clear of the ends of the exponent's range, scaled ones too.
  int low = exponent(cells.low) + exponent(weights.low);
  return chains ? low >= -103
                : low >= -102 && exponent(cells.high) + exponent(weights.high) + 1 <= 127;
}

void convChains(const FloatConvTask &t, bool plain) {
  plain ? bodies(t.vectors).chains(t) : chainsByRule(t);
}

void convBlocks(const FloatConvTask &t, bool plain) {
  plain ? bodies(t.vectors).blocks(t) : blocksByRule(t);
}

} // namespace tessera::numerics
