#include "tessera/sim/kernels/conv_x86.h"

#include "tessera/sim/kernels/elementwise.h"

#include <algorithm>
#if defined(__x86_64__)
#include <immintrin.h>
// GCC 12 takes its own undefined start values of intrinsics for a mistake.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

namespace tessera::sim::kernels {
namespace {

// A tile is N channels by V vectors of positions, all of its sums in registers. Each is one text,
// compiled for several instruction sets: MULTIPLY(sums, cells, weights) adds a cell's products.

// 16 registers: 4 channels at a time, 8 as two halves.
#define TESSERA_TILE256(NAME, TARGET, MULTIPLY)                                                    \
  template <int N, int V, int kFirst, int kAll>                                                    \
  __attribute__((target(TARGET))) void NAME##Part(const ConvTask &t, int64_t p) {                  \
    __m256i a[N][V];                                                                               \
    _Pragma("GCC unroll 8") for (int n = 0; n < N; ++n) _Pragma(                                   \
        "GCC unroll 4") for (int v = 0; v < V; ++v) a[n][v] =                                      \
        t.adds                                                                                     \
            ? _mm256_loadu_si256(                                                                  \
                  reinterpret_cast<const __m256i *>(t.out + (kFirst + n) * t.outStride + p) + v)   \
            : _mm256_set1_epi32(t.init[kFirst + n]);                                               \
    const uint32_t *w = t.weights + kFirst;                                                        \
    for (int64_t g = 0; g < t.groups; ++g) {                                                       \
      const uint8_t *row = t.cells + g * t.groupStride + 4 * p;                                    \
      _Pragma("GCC unroll 3") for (int64_t k = 0; k < t.tapCount; ++k, w += kAll) {                \
        const auto *at = reinterpret_cast<const __m256i *>(row + t.taps[k]);                       \
        __m256i x[V];                                                                              \
        _Pragma("GCC unroll 4") for (int v = 0; v < V; ++v) x[v] = _mm256_loadu_si256(at + v);     \
        _Pragma("GCC unroll 8") for (int n = 0; n < N; ++n) {                                      \
          __m256i b = _mm256_set1_epi32(static_cast<int32_t>(w[n]));                               \
          _Pragma("GCC unroll 4") for (int v = 0; v < V; ++v) a[n][v] =                            \
              MULTIPLY(a[n][v], x[v], b);                                                          \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    _Pragma("GCC unroll 8") for (int n = 0; n < N; ++n)                                            \
        _Pragma("GCC unroll 4") for (int v = 0; v < V; ++v) _mm256_storeu_si256(                   \
            reinterpret_cast<__m256i *>(t.out + (kFirst + n) * t.outStride + p) + v, a[n][v]);     \
  }                                                                                                \
  template <int N, int V> void NAME##Tile(const ConvTask &t, int64_t p) {                          \
    if constexpr (N == 8) {                                                                        \
      NAME##Part<4, V, 0, 8>(t, p);                                                                \
      NAME##Part<4, V, 4, 8>(t, p);                                                                \
    } else {                                                                                       \
      NAME##Part<N, V, 0, N>(t, p);                                                                \
    }                                                                                              \
  }

// 24 sums of 32 registers at N = 8, V = 3.
#define TESSERA_TILE512(NAME, TARGET, MULTIPLY)                                                    \
  template <int N, int V>                                                                          \
  __attribute__((target(TARGET))) void NAME##Tile(const ConvTask &t, int64_t p) {                  \
    __m512i a[N][V];                                                                               \
    _Pragma("GCC unroll 8") for (int n = 0; n < N; ++n)                                            \
        _Pragma("GCC unroll 4") for (int v = 0; v < V; ++v) a[n][v] =                              \
            t.adds ? _mm512_loadu_si512(t.out + n * t.outStride + p + 16 * v)                      \
                   : _mm512_set1_epi32(t.init[n]);                                                 \
    const uint32_t *w = t.weights;                                                                 \
    for (int64_t g = 0; g < t.groups; ++g) {                                                       \
      const uint8_t *row = t.cells + g * t.groupStride + 4 * p;                                    \
      for (int64_t k = 0; k < t.tapCount; ++k, w += N) {                                           \
        const uint8_t *at = row + t.taps[k];                                                       \
        __m512i x[V];                                                                              \
        _Pragma("GCC unroll 4") for (int v = 0; v < V; ++v) x[v] =                                 \
            _mm512_loadu_si512(at + 64 * v);                                                       \
        _Pragma("GCC unroll 8") for (int n = 0; n < N; ++n) {                                      \
          __m512i b = _mm512_set1_epi32(static_cast<int32_t>(w[n]));                               \
          _Pragma("GCC unroll 4") for (int v = 0; v < V; ++v) a[n][v] =                            \
              MULTIPLY(a[n][v], x[v], b);                                                          \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    _Pragma("GCC unroll 8") for (int n = 0; n < N; ++n)                                            \
        _Pragma("GCC unroll 4") for (int v = 0; v < V; ++v)                                        \
            _mm512_storeu_si512(t.out + n * t.outStride + p + 16 * v, a[n][v]);                    \
  }

// All positions: tiles of MOST vectors, 2 or 3, then one of what is left.
#define TESSERA_WALK(NAME, LANES, MOST)                                                            \
  template <int N> void NAME##Walk(const ConvTask &t) {                                            \
    int64_t p = 0;                                                                                 \
    for (; p + (MOST - 1) * (LANES) < t.positions; p += (MOST) * (LANES))                          \
      NAME##Tile<N, MOST>(t, p);                                                                   \
    if (MOST > 2 && p + (LANES) < t.positions)                                                     \
      NAME##Tile<N, 2>(t, p);                                                                      \
    else if (p < t.positions)                                                                      \
      NAME##Tile<N, 1>(t, p);                                                                      \
  }                                                                                                \
  void NAME(const ConvTask &t) {                                                                   \
    t.channels == 8   ? NAME##Walk<8>(t)                                                           \
    : t.channels == 4 ? NAME##Walk<4>(t)                                                           \
    : t.channels == 2 ? NAME##Walk<2>(t)                                                           \
                      : NAME##Walk<1>(t);                                                          \
  }

#define TESSERA_MADD256(a, x, w) _mm256_add_epi32(a, _mm256_madd_epi16(x, w))
#define TESSERA_MADD512(a, x, w) _mm512_add_epi32(a, _mm512_madd_epi16(x, w))
TESSERA_TILE256(avx2Words, "avx2", TESSERA_MADD256)
TESSERA_TILE256(avxVnniBytes, "avxvnni", _mm256_dpbusd_avx_epi32)
TESSERA_TILE256(avxVnniWords, "avxvnni", _mm256_dpwssd_avx_epi32)
// The same code under the other encoding of the same instructions, for hosts without the first.
TESSERA_TILE256(vnni256Bytes, "avx512vl,avx512vnni", _mm256_dpbusd_epi32)
TESSERA_TILE256(vnni256Words, "avx512vl,avx512vnni", _mm256_dpwssd_epi32)
TESSERA_TILE512(avx512Words, "avx512f,avx512bw", TESSERA_MADD512)
TESSERA_TILE512(vnniBytes, "avx512f,avx512bw,avx512vnni", _mm512_dpbusd_epi32)
TESSERA_TILE512(vnniWords, "avx512f,avx512bw,avx512vnni", _mm512_dpwssd_epi32)
TESSERA_WALK(avx2Words, 8, 2) // a product needs a register before it is added
TESSERA_WALK(avxVnniBytes, 8, 3)
TESSERA_WALK(avxVnniWords, 8, 3)
TESSERA_WALK(vnni256Bytes, 8, 3)
TESSERA_WALK(vnni256Words, 8, 3)
TESSERA_WALK(avx512Words, 16, 3)
TESSERA_WALK(vnniBytes, 16, 3)
TESSERA_WALK(vnniWords, 16, 3)

/// 16 values at a time, the last ones by a mask.
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) void
avx512Finish(const FinishTask &t) {
  Requantize none{};
  const Requantize &r = t.requantize ? *t.requantize : none;
  bool plain = r.isPlain(), away = r.mode == numerics::Rounding::HalfAway;
  const __m512i bias = _mm512_set1_epi32(t.bias), top = _mm512_set1_epi32(0x7FFFFFFF),
                multiplier = _mm512_set1_epi64(r.multiplier),
                half = _mm512_set1_epi64(plain ? int64_t(1) << (-r.shift - 1) : 0),
                zero = _mm512_set1_epi64(r.zeroPoint), low = _mm512_set1_epi64(r.range.lo),
                high = _mm512_set1_epi64(r.range.hi);
  const __m128i shift = _mm_cvtsi32_si128(-r.shift);
  for (int64_t i = 0; i < t.count; i += 16) {
    auto mask = __mmask16(0xFFFF >> std::max<int64_t>(0, 16 - (t.count - i)));
    __m512i sum = _mm512_maskz_loadu_epi32(mask, t.sums + i), v = _mm512_add_epi32(sum, bias);
    // The sum overflowed when its sign differs from both signs.
    __mmask16 over =
        _mm512_movepi32_mask(_mm512_and_si512(_mm512_xor_si512(v, sum), _mm512_xor_si512(v, bias)));
    v = _mm512_mask_xor_epi32(v, over, _mm512_srai_epi32(sum, 31), top);
    _mm512_mask_storeu_epi32(t.total + i, mask, v);
    if (!t.out || !plain)
      continue;
    // 64-bit products of the even and the odd values.
    __m512i even = _mm512_mul_epi32(v, multiplier),
            odd = _mm512_mul_epi32(_mm512_srli_epi64(v, 32), multiplier);
    if (away) { // half up with negative values one smaller
      even = _mm512_add_epi64(even, _mm512_srai_epi64(even, 63));
      odd = _mm512_add_epi64(odd, _mm512_srai_epi64(odd, 63));
    }
    even = _mm512_add_epi64(_mm512_sra_epi64(_mm512_add_epi64(even, half), shift), zero);
    odd = _mm512_add_epi64(_mm512_sra_epi64(_mm512_add_epi64(odd, half), shift), zero);
    even = _mm512_min_epi64(_mm512_max_epi64(even, low), high);
    odd = _mm512_min_epi64(_mm512_max_epi64(odd, low), high);
    v = _mm512_mask_mov_epi32(even, 0xAAAA, _mm512_slli_epi64(odd, 32));
    _mm512_mask_cvtepi32_storeu_epi8(t.out + i, mask, v);
  }
  if (t.out && !plain)
    requantizeInt32(t.out, t.total, t.count, r);
}

} // namespace

std::vector<ConvKernel> x86Kernels() {
  constexpr int64_t kSlice = 24 * 1024; // of first-level caches of 32 KiB and more
  std::vector<ConvKernel> list;
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2"), avx512f = __builtin_cpu_supports("avx512f"),
       bw = avx512f && __builtin_cpu_supports("avx512bw"),
       vl = bw && __builtin_cpu_supports("avx512vl"),
       vnni = bw && __builtin_cpu_supports("avx512vnni");
  auto finish = vl && __builtin_cpu_supports("avx512dq") ? avx512Finish : nullptr;
  if (avx2)
    list.push_back({"avx2", nullptr, avx2Words, nullptr, kSlice});
  if (__builtin_cpu_supports("avxvnni"))
    list.push_back({"avxvnni", avxVnniBytes, avxVnniWords, nullptr, kSlice});
  if (vnni && vl)
    list.push_back({"vnni256", vnni256Bytes, vnni256Words, nullptr, kSlice});
  if (bw)
    list.push_back({"avx512", nullptr, avx512Words, finish, 0});
  if (vnni)
    list.push_back({"vnni", vnniBytes, vnniWords, finish, 0});
  return list;
}

} // namespace tessera::sim::kernels

#else

namespace tessera::sim::kernels {
std::vector<ConvKernel> x86Kernels() { return {}; }
} // namespace tessera::sim::kernels

#endif
