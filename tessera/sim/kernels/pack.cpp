#include "tessera/sim/kernels/pack.h"

#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tessera::sim::kernels {
namespace {

inline void bytesAt(uint8_t *out, const uint8_t *const *rows, int64_t x, uint8_t flip) {
  for (int i = 0; i < 4; ++i)
    out[4 * x + i] = rows[i][x] ^ flip;
}
inline void wordsAt(uint8_t *out, const uint8_t *const *rows, int64_t x, bool isSigned) {
  for (int i = 0; i < 2; ++i) {
    int16_t v = isSigned ? int16_t(int8_t(rows[i][x])) : int16_t(rows[i][x]);
    std::memcpy(out + 4 * x + 2 * i, &v, 2);
  }
}

#if defined(__SSE2__)
inline __m128i load(const uint8_t *p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i *>(p));
}
inline void store(uint8_t *p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i *>(p), v); }

/// 16 cells from x on.
inline void bytesBlock(uint8_t *out, const uint8_t *const *rows, int64_t x, __m128i flip) {
  __m128i a = load(rows[0] + x), b = load(rows[1] + x), c = load(rows[2] + x),
          d = load(rows[3] + x);
  a = _mm_xor_si128(a, flip), b = _mm_xor_si128(b, flip);
  c = _mm_xor_si128(c, flip), d = _mm_xor_si128(d, flip);
  __m128i ab = _mm_unpacklo_epi8(a, b), cd = _mm_unpacklo_epi8(c, d);
  store(out + 4 * x, _mm_unpacklo_epi16(ab, cd));
  store(out + 4 * x + 16, _mm_unpackhi_epi16(ab, cd));
  ab = _mm_unpackhi_epi8(a, b), cd = _mm_unpackhi_epi8(c, d);
  store(out + 4 * x + 32, _mm_unpacklo_epi16(ab, cd));
  store(out + 4 * x + 48, _mm_unpackhi_epi16(ab, cd));
}
inline void wordsBlock(uint8_t *out, const uint8_t *const *rows, int64_t x, bool isSigned) {
  __m128i a = load(rows[0] + x), b = load(rows[1] + x), zero = _mm_setzero_si128();
  // The upper byte of each word: the sign's copies, or zero.
  __m128i aTop = isSigned ? _mm_cmpgt_epi8(zero, a) : zero,
          bTop = isSigned ? _mm_cmpgt_epi8(zero, b) : zero;
  __m128i al = _mm_unpacklo_epi8(a, aTop), bl = _mm_unpacklo_epi8(b, bTop);
  store(out + 4 * x, _mm_unpacklo_epi16(al, bl));
  store(out + 4 * x + 16, _mm_unpackhi_epi16(al, bl));
  al = _mm_unpackhi_epi8(a, aTop), bl = _mm_unpackhi_epi8(b, bTop);
  store(out + 4 * x + 32, _mm_unpacklo_epi16(al, bl));
  store(out + 4 * x + 48, _mm_unpackhi_epi16(al, bl));
}
#endif

/// Whole blocks of 16, the last of which overlaps the one before; short rows one by one.
template <class Block, class One> void inBlocks(int64_t count, Block block, One one) {
#if defined(__SSE2__)
  if (count >= 16) {
    for (int64_t x = 0; x + 16 <= count; x += 16)
      block(x);
    if (count % 16)
      block(count - 16);
    return;
  }
#endif
  for (int64_t x = 0; x < count; ++x)
    one(x);
}

} // namespace

void pickBytes(uint8_t *out, const uint8_t *in, int64_t step, int64_t count) {
  int64_t x = 0;
#if defined(__SSE2__)
  // Blocks read one byte past the last that they pick, so the last element is left to the loop.
  __m128i even = _mm_set1_epi16(0xFF);
  if (step == 2)
    for (; x + 16 < count; x += 16)
      store(out + x, _mm_packus_epi16(_mm_and_si128(load(in + 2 * x), even),
                                      _mm_and_si128(load(in + 2 * x + 16), even)));
#endif
  for (; x < count; ++x)
    out[x] = in[x * step];
}

void interleaveBytes(uint8_t *out, const uint8_t *const *rows, int64_t count, uint8_t flip) {
  inBlocks(
      count,
      [&](int64_t x) {
#if defined(__SSE2__)
        bytesBlock(out, rows, x, _mm_set1_epi8(char(flip)));
#endif
      },
      [&](int64_t x) { bytesAt(out, rows, x, flip); });
}

void interleaveWords(uint8_t *out, const uint8_t *const *rows, int64_t count, bool isSigned) {
  inBlocks(
      count,
      [&](int64_t x) {
#if defined(__SSE2__)
        wordsBlock(out, rows, x, isSigned);
#endif
      },
      [&](int64_t x) { wordsAt(out, rows, x, isSigned); });
}

void interleaveInts(int32_t *out, const int32_t *const *rows, int64_t rowCount, int64_t count) {
  if (rowCount == 2) {
    const int32_t *a = rows[0], *b = rows[1];
    for (int64_t x = 0; x < count; ++x) {
      out[2 * x] = a[x];
      out[2 * x + 1] = b[x];
    }
    return;
  }
  for (int64_t i = 0; i < rowCount; ++i)
    for (int64_t x = 0; x < count; ++x)
      out[x * rowCount + i] = rows[i][x];
}

} // namespace tessera::sim::kernels
