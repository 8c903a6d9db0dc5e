#include "dot_limit.h"

#if defined(__x86_64__)
#include <immintrin.h>
// GCC 12 takes its own undefined start values of intrinsics for a mistake.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"

namespace {

// 12 independent sums: more than latency times rate on any host. Named ones, since an array would
// live in memory; the empty assembly keeps the compiler from folding the rounds.
#define DOT_ALL(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define DOT_LIMIT(NAME, TARGET, VECTOR, SET, MULTIPLY, MACS)                                       \
  __attribute__((target(TARGET))) double NAME(long rounds) {                                       \
    VECTOR x = SET(0x01020304), w = SET(0x01fe03fd);                                               \
    DOT_ALL(DOT_START_##VECTOR)                                                                    \
    for (long i = 0; i < rounds; ++i) {                                                            \
      asm volatile("" : "+v"(x), "+v"(w));                                                         \
      DOT_ALL(DOT_STEP_##MULTIPLY)                                                                 \
    }                                                                                              \
    return 12.0 * double(rounds) * (MACS);                                                         \
  }
#define DOT_START___m256i(K) __m256i s##K = _mm256_setzero_si256();
#define DOT_START___m512i(K) __m512i s##K = _mm512_setzero_si512();
#define DOT_STEP(K, V)                                                                             \
  s##K = V;                                                                                        \
  asm volatile("" : "+v"(s##K));
// A product each: one alone would be shared by all sums.
#define DOT_STEP_Madd256(K)                                                                        \
  asm volatile("" : "+v"(x));                                                                      \
  DOT_STEP(K, _mm256_add_epi32(s##K, _mm256_madd_epi16(x, w)))
#define DOT_STEP_Madd512(K)                                                                        \
  asm volatile("" : "+v"(x));                                                                      \
  DOT_STEP(K, _mm512_add_epi32(s##K, _mm512_madd_epi16(x, w)))
#define DOT_STEP_DotAvx(K) DOT_STEP(K, _mm256_dpbusd_avx_epi32(s##K, x, w))
#define DOT_STEP_Dot256(K) DOT_STEP(K, _mm256_dpbusd_epi32(s##K, x, w))
#define DOT_STEP_Dot512(K) DOT_STEP(K, _mm512_dpbusd_epi32(s##K, x, w))
DOT_LIMIT(avx2, "avx2", __m256i, _mm256_set1_epi32, Madd256, 16)
DOT_LIMIT(avxvnni, "avxvnni", __m256i, _mm256_set1_epi32, DotAvx, 32)
DOT_LIMIT(vnni256, "avx512vl,avx512vnni", __m256i, _mm256_set1_epi32, Dot256, 32)
DOT_LIMIT(avx512, "avx512f,avx512bw", __m512i, _mm512_set1_epi32, Madd512, 32)
DOT_LIMIT(vnni, "avx512f,avx512vnni", __m512i, _mm512_set1_epi32, Dot512, 64)

} // namespace

DotLimit dotLimit(std::string_view kernel) {
  for (const DotLimit &l :
       {DotLimit{"avx2", avx2}, DotLimit{"avxvnni", avxvnni}, DotLimit{"vnni256", vnni256},
        DotLimit{"avx512", avx512}, DotLimit{"vnni", vnni}})
    if (l.kernel == kernel)
      return l;
  return {kernel, nullptr};
}
#else
DotLimit dotLimit(std::string_view kernel) { return {kernel, nullptr}; }
#endif
