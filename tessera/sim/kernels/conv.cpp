#include "tessera/sim/kernels/conv.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <vector>
#if defined(__x86_64__)
#include <immintrin.h>
#define TESSERA_X86 1
#endif

namespace tessera::sim::kernels {
namespace {

// Calls BLOCK<n>(task, p) for every step of positions, n being the task's channels.
#define TESSERA_STEPS(BLOCK, STEP)                                                                 \
  for (int64_t p = 0; p < t.positions; p += (STEP))                                                \
    switch (t.channels) {                                                                          \
    case 8:                                                                                        \
      BLOCK<8>(t, p);                                                                              \
      break;                                                                                       \
    case 4:                                                                                        \
      BLOCK<4>(t, p);                                                                              \
      break;                                                                                       \
    case 2:                                                                                        \
      BLOCK<2>(t, p);                                                                              \
      break;                                                                                       \
    default:                                                                                       \
      BLOCK<1>(t, p);                                                                              \
    }

// The reference: no vector, no unrolling. Sums are unsigned so that they wrap as the chip's do.
template <class Cell, class Weight, int kPerCell> void portable(const ConvTask &t) {
  for (int64_t o = 0; o < t.channels; ++o)
    for (int64_t p = 0; p < t.positions; ++p) {
      auto sum = static_cast<uint32_t>(t.init[o]);
      for (int64_t g = 0; g < t.groups; ++g)
        for (int64_t k = 0; k < t.tapCount; ++k) {
          Cell cell[kPerCell];
          Weight weight[kPerCell];
          std::memcpy(cell, t.cells + g * t.groupStride + t.taps[k] + 4 * p, 4);
          std::memcpy(weight, t.weights + (g * t.tapCount + k) * t.channels + o, 4);
          for (int i = 0; i < kPerCell; ++i)
            sum += static_cast<uint32_t>(int32_t(cell[i]) * int32_t(weight[i]));
        }
      t.out[o * t.outStride + p] = static_cast<int32_t>(sum);
    }
}
void portableBytes(const ConvTask &t) { portable<uint8_t, int8_t, 4>(t); }
void portableWords(const ConvTask &t) { portable<int16_t, int16_t, 2>(t); }

#if TESSERA_X86

// 16 positions by N channels: 2*N + 3 of 16 registers at N = 4, so blocks of 8 run as two halves.
template <int N, int kFirst, int kAll>
__attribute__((target("avx2"))) void avx2WordsPart(const ConvTask &t, int64_t p) {
  __m256i a0[N], a1[N];
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n)
    a0[n] = a1[n] = _mm256_set1_epi32(t.init[kFirst + n]);
  const uint32_t *w = t.weights + kFirst;
  for (int64_t g = 0; g < t.groups; ++g) {
    const uint8_t *row = t.cells + g * t.groupStride + 4 * p;
    for (int64_t k = 0; k < t.tapCount; ++k, w += kAll) {
      __m256i x0 = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(row + t.taps[k]));
      __m256i x1 = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(row + t.taps[k] + 32));
#pragma GCC unroll 8
      for (int n = 0; n < N; ++n) {
        __m256i v = _mm256_set1_epi32(static_cast<int32_t>(w[n]));
        a0[n] = _mm256_add_epi32(a0[n], _mm256_madd_epi16(x0, v));
        a1[n] = _mm256_add_epi32(a1[n], _mm256_madd_epi16(x1, v));
      }
    }
  }
#pragma GCC unroll 8
  for (int n = 0; n < N; ++n) {
    int32_t *out = t.out + (kFirst + n) * t.outStride + p;
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(out), a0[n]);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(out + 8), a1[n]);
  }
}
template <int N> void avx2WordsBlock(const ConvTask &t, int64_t p) {
  if constexpr (N == 8) {
    avx2WordsPart<4, 0, 8>(t, p);
    avx2WordsPart<4, 4, 8>(t, p);
  } else {
    avx2WordsPart<N, 0, N>(t, p);
  }
}
void avx2Words(const ConvTask &t){TESSERA_STEPS(avx2WordsBlock, 16)}

// 32 or 48 positions by N channels, 24 sums of 32 registers at N = 8.
#define TESSERA_AVX512_BLOCK(NAME, TARGET, MULTIPLY)                                               \
  template <int N> __attribute__((target(TARGET))) void NAME(const ConvTask &t, int64_t p) {       \
    __m512i a0[N], a1[N], a2[N];                                                                   \
    _Pragma("GCC unroll 8") for (int n = 0; n < N; ++n) a0[n] = a1[n] = a2[n] =                    \
        _mm512_set1_epi32(t.init[n]);                                                              \
    const uint32_t *w = t.weights;                                                                 \
    for (int64_t g = 0; g < t.groups; ++g) {                                                       \
      const uint8_t *row = t.cells + g * t.groupStride + 4 * p;                                    \
      for (int64_t k = 0; k < t.tapCount; ++k, w += N) {                                           \
        const uint8_t *at = row + t.taps[k];                                                       \
        __m512i x0 = _mm512_loadu_si512(at), x1 = _mm512_loadu_si512(at + 64),                     \
                x2 = _mm512_loadu_si512(at + 128);                                                 \
        _Pragma("GCC unroll 8") for (int n = 0; n < N; ++n) {                                      \
          __m512i v = _mm512_set1_epi32(static_cast<int32_t>(w[n]));                               \
          a0[n] = MULTIPLY(a0[n], x0, v);                                                          \
          a1[n] = MULTIPLY(a1[n], x1, v);                                                          \
          a2[n] = MULTIPLY(a2[n], x2, v);                                                          \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    _Pragma("GCC unroll 8") for (int n = 0; n < N; ++n) {                                          \
      int32_t *out = t.out + n * t.outStride + p;                                                  \
      _mm512_storeu_si512(out, a0[n]);                                                             \
      _mm512_storeu_si512(out + 16, a1[n]);                                                        \
      _mm512_storeu_si512(out + 32, a2[n]);                                                        \
    }                                                                                              \
  }
#define TESSERA_MADD(a, x, w) _mm512_add_epi32(a, _mm512_madd_epi16(x, w))
TESSERA_AVX512_BLOCK(avx512WordsBlock, "avx512f,avx512bw", TESSERA_MADD)
    TESSERA_AVX512_BLOCK(vnniWordsBlock, "avx512f,avx512bw,avx512vnni", _mm512_dpwssd_epi32)
        TESSERA_AVX512_BLOCK(vnniBytesBlock, "avx512f,avx512bw,avx512vnni",
                             _mm512_dpbusd_epi32) void avx512Words(const ConvTask &t) {
  TESSERA_STEPS(avx512WordsBlock, 48)
}
void vnniWords(const ConvTask &t) { TESSERA_STEPS(vnniWordsBlock, 48) }
void vnniBytes(const ConvTask &t){TESSERA_STEPS(vnniBytesBlock, 48)}

#endif

std::vector<ConvKernel> available() {
  std::vector<ConvKernel> list{{"portable", portableBytes, portableWords}};
#if TESSERA_X86
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2"))
    list.push_back({"avx2", nullptr, avx2Words});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
    list.push_back({"avx512", nullptr, avx512Words});
    if (__builtin_cpu_supports("avx512vnni"))
      list.push_back({"vnni", vnniBytes, vnniWords});
  }
#endif
  return list;
}

const std::vector<ConvKernel> &all() {
  static const std::vector<ConvKernel> list = available();
  return list;
}

const ConvKernel *named(std::string_view name) {
  for (const ConvKernel &k : all())
    if (k.name == name)
      return &k;
  return nullptr;
}

std::atomic<const ConvKernel *> &chosen() {
  static std::atomic<const ConvKernel *> kernel = [] {
    const char *name = std::getenv("TESSERA_SIM_KERNEL");
    const ConvKernel *k = name ? named(name) : nullptr;
    return k ? k : &all().back();
  }();
  return kernel;
}

} // namespace

std::span<const ConvKernel> convKernels() { return all(); }

const ConvKernel &convKernel() { return *chosen().load(); }

Status checkKernelChoice() {
  const char *name = std::getenv("TESSERA_SIM_KERNEL");
  if (!name || named(name))
    return {};
  std::string known;
  for (const ConvKernel &k : all())
    known += (known.empty() ? "" : ", ") + std::string(k.name);
  return fail("bad-environment", "TESSERA_SIM_KERNEL",
              "'" + std::string(name) + "' is no kernel of this machine",
              "it has " + known + "; or unset it");
}

bool setConvKernel(std::string_view name) {
  const ConvKernel *k = name.empty() ? &all().back() : named(name);
  if (k)
    chosen() = k;
  return k != nullptr;
}

} // namespace tessera::sim::kernels
