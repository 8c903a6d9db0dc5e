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

/// A requantize by a factor below 1: its results have 32 bits, for which 32-bit limits are enough.
struct Plain {
  bool is, away = false;
  int shift = 0;
  int64_t half = 0;
  int32_t multiplier = 0, zero = 0, low = 0, high = 0; ///< limits before the zero point
  explicit Plain(const Requantize *r) {
    is = r && r->isPlain() &&
         std::abs(int64_t(r->multiplier)) < int64_t(1) << std::min(-r->shift, 31);
    if (!is)
      return;
    away = r->mode == numerics::Rounding::HalfAway;
    shift = -r->shift;
    half = int64_t(1) << (shift - 1);
    multiplier = r->multiplier;
    zero = int32_t(r->zeroPoint);
    low = int32_t(r->range.lo) - zero;
    high = int32_t(r->range.hi) - zero;
  }
};

/// 16 values at a time, the last ones by a mask.
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) void
avx512Finish(const FinishTask &t) {
  const Plain r(t.requantize);
  const __m512i bias = _mm512_set1_epi32(t.bias), top = _mm512_set1_epi32(0x7FFFFFFF),
                multiplier = _mm512_set1_epi64(r.multiplier), half = _mm512_set1_epi64(r.half),
                zero = _mm512_set1_epi32(r.zero), low = _mm512_set1_epi32(r.low),
                high = _mm512_set1_epi32(r.high);
  const __m128i shift = _mm_cvtsi32_si128(r.shift);
  for (int64_t i = 0; i < t.count; i += 16) {
    auto mask = __mmask16(0xFFFF >> std::max<int64_t>(0, 16 - (t.count - i)));
    __m512i sum = _mm512_maskz_loadu_epi32(mask, t.sums + i), v = _mm512_add_epi32(sum, bias);
    // The sum overflowed when its sign differs from both signs.
    __mmask16 over =
        _mm512_movepi32_mask(_mm512_and_si512(_mm512_xor_si512(v, sum), _mm512_xor_si512(v, bias)));
    v = _mm512_mask_xor_epi32(v, over, _mm512_srai_epi32(sum, 31), top);
    _mm512_mask_storeu_epi32(t.total + i, mask, v);
    if (!r.is)
      continue;
    // 64-bit products of the even and the odd values.
    __m512i even = _mm512_mul_epi32(v, multiplier),
            odd = _mm512_mul_epi32(_mm512_srli_epi64(v, 32), multiplier);
    if (r.away) { // half up with negative values one smaller
      even = _mm512_add_epi64(even, _mm512_srai_epi64(even, 63));
      odd = _mm512_add_epi64(odd, _mm512_srai_epi64(odd, 63));
    }
    even = _mm512_sra_epi64(_mm512_add_epi64(even, half), shift);
    odd = _mm512_sra_epi64(_mm512_add_epi64(odd, half), shift);
    v = _mm512_mask_mov_epi32(even, 0xAAAA, _mm512_slli_epi64(odd, 32));
    v = _mm512_add_epi32(_mm512_min_epi32(_mm512_max_epi32(v, low), high), zero);
    _mm512_mask_cvtepi32_storeu_epi8(t.out + i, mask, v);
  }
  if (t.out && !r.is)
    requantizeInt32(t.out, t.total, t.count, *t.requantize);
}

/// The same with 8 values at a time; the last ones are done in a copy.
__attribute__((target("avx2"))) void avx2Finish(const FinishTask &t) {
  const Plain r(t.requantize);
  // Arithmetic shifts of 64 bits are missing: 2^62 keeps the shifted values positive, and comes off
  // behind the shift.
  const int64_t up = int64_t(1) << 62;
  const __m256i bias = _mm256_set1_epi32(t.bias), top = _mm256_set1_epi32(0x7FFFFFFF),
                multiplier = _mm256_set1_epi64x(r.multiplier),
                half = _mm256_set1_epi64x(int64_t(uint64_t(up) + uint64_t(r.half))),
                down = _mm256_set1_epi32(int32_t(up >> r.shift)), zero = _mm256_set1_epi32(r.zero),
                low = _mm256_set1_epi32(r.low), high = _mm256_set1_epi32(r.high);
  const __m128i shift = _mm_cvtsi32_si128(r.shift);
  auto eight = [&](int32_t *total, uint8_t *out,
                   const int32_t *sums) __attribute__((target("avx2"), always_inline)) {
    __m256i sum = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(sums)),
            v = _mm256_add_epi32(sum, bias);
    __m256i over = _mm256_and_si256(_mm256_xor_si256(v, sum), _mm256_xor_si256(v, bias)),
            limit = _mm256_xor_si256(_mm256_srai_epi32(sum, 31), top);
    v = _mm256_blendv_epi8(v, limit, _mm256_srai_epi32(over, 31));
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(total), v);
    if (!r.is)
      return;
    __m256i even = _mm256_mul_epi32(v, multiplier),
            odd = _mm256_mul_epi32(_mm256_srli_epi64(v, 32), multiplier);
    if (r.away) {
      even = _mm256_add_epi64(even, _mm256_cmpgt_epi64(_mm256_setzero_si256(), even));
      odd = _mm256_add_epi64(odd, _mm256_cmpgt_epi64(_mm256_setzero_si256(), odd));
    }
    even = _mm256_srl_epi64(_mm256_add_epi64(even, half), shift);
    odd = _mm256_srl_epi64(_mm256_add_epi64(odd, half), shift);
    v = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
    v = _mm256_sub_epi32(v, down);
    v = _mm256_add_epi32(_mm256_min_epi32(_mm256_max_epi32(v, low), high), zero);
    // Low bytes of the values of each half, then the halves side by side.
    v = _mm256_shuffle_epi8(v, _mm256_set1_epi32(0x0C080400));
    v = _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 4, 0, 0, 0, 0, 0, 0));
    _mm_storel_epi64(reinterpret_cast<__m128i *>(out), _mm256_castsi256_si128(v));
  };
  uint8_t none[8];
  int64_t i = 0;
  for (; i + 8 <= t.count; i += 8)
    eight(t.total + i, t.out ? t.out + i : none, t.sums + i);
  if (i < t.count) {
    auto left = size_t(t.count - i);
    int32_t sums[8] = {}, total[8];
    uint8_t out[8];
    std::memcpy(sums, t.sums + i, 4 * left);
    eight(total, out, sums);
    std::memcpy(t.total + i, total, 4 * left);
    if (r.is)
      std::memcpy(t.out + i, out, left);
  }
  if (t.out && !r.is)
    requantizeInt32(t.out, t.total, t.count, *t.requantize);
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
  auto finish = vl && __builtin_cpu_supports("avx512dq") ? avx512Finish : avx2Finish;
  if (avx2)
    list.push_back({"avx2", nullptr, avx2Words, avx2Finish, kSlice});
  if (__builtin_cpu_supports("avxvnni"))
    list.push_back({"avxvnni", avxVnniBytes, avxVnniWords, avx2Finish, kSlice});
  if (vnni && vl)
    list.push_back({"vnni256", vnni256Bytes, vnni256Words, avx2Finish, kSlice});
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
