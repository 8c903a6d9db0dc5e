#include "tessera/interpret/kernels/sliding.h"

#include "tessera/interpret/kernels/serial.h"
#include "tessera/support/status.h"

#include <algorithm>
#include <cstring>

namespace tessera::interpret {

AxisTaps convTaps(const Window2d &window, int axis, int64_t in) {
  AxisTaps t;
  t.in = in;
  t.out = window.outputSize(axis, in);
  t.inStride = window.strides[axis];
  t.phase.resize(1);
  for (int64_t k = 0; k < window.kernel[axis]; ++k)
    t.phase[0].push_back({k, k * window.dilations[axis] - window.pads[axis]});
  return t;
}

AxisTaps deconvTaps(const Window2d &window, int axis, int64_t in) {
  AxisTaps t;
  t.in = in;
  t.out = window.transposedOutputSize(axis, in);
  t.inStride = 1;
  int64_t stride = window.strides[axis];
  t.phase.resize(stride);
  for (int64_t q = 0; q < stride; ++q)
    for (int64_t k = window.kernel[axis] - 1; k >= 0; --k) {
      int64_t at = q + window.pads[axis] - k * window.dilations[axis];
      if (at % stride == 0)
        t.phase[q].push_back({k, at / stride});
    }
  return t;
}

namespace {

constexpr int64_t kChannels = 4; ///< output channels of a tile
constexpr int64_t kCells = 16;   ///< output columns of a tile

/// A tap of one output row and column phase: where its first input cell lies in the band and which
/// weight it takes.
struct TapRef {
  int64_t cell, weight;
};

template <class Acc> struct Vec {
  typedef Acc Type __attribute__((vector_size(kCells * sizeof(Acc))));
};

// uint32 sums of int16 cells and float sums of float cells, 4 channels by 16 columns, in the
// compiler's vector extension: one source for every host, widened by the target attributes of the
// callers below.
template <class Cell, class Acc>
[[gnu::always_inline]] inline void tile(const Cell *band, int64_t channelPitch, int64_t channels,
                                        const TapRef *taps, int64_t tapCount, const Acc *weights,
                                        int64_t weightPitch, Acc *out) {
  using Sums = typename Vec<Acc>::Type;
  using Cells = typename Vec<Cell>::Type;
  Sums a0{}, a1{}, a2{}, a3{};
  for (int64_t c = 0; c < channels; ++c, band += channelPitch, weights += weightPitch)
    for (int64_t t = 0; t < tapCount; ++t) {
      Cells cells;
      std::memcpy(&cells, band + taps[t].cell, sizeof cells);
      Sums v = __builtin_convertvector(cells, Sums);
      const Acc *w = weights + taps[t].weight;
      a0 += v * w[0];
      a1 += v * w[1];
      a2 += v * w[2];
      a3 += v * w[3];
    }
  std::memcpy(out, &a0, sizeof a0);
  std::memcpy(out + kCells, &a1, sizeof a1);
  std::memcpy(out + 2 * kCells, &a2, sizeof a2);
  std::memcpy(out + 3 * kCells, &a3, sizeof a3);
}

template <class Cell, class Acc>
using TileFn = void (*)(const Cell *, int64_t, int64_t, const TapRef *, int64_t, const Acc *,
                        int64_t, Acc *);

template <class Cell, class Acc>
void tilePortable(const Cell *b, int64_t cp, int64_t n, const TapRef *t, int64_t tn, const Acc *w,
                  int64_t wp, Acc *o) {
  tile<Cell, Acc>(b, cp, n, t, tn, w, wp, o);
}
#if defined(__x86_64__)
template <class Cell, class Acc>
[[gnu::target("avx2")]] void tileAvx2(const Cell *b, int64_t cp, int64_t n, const TapRef *t,
                                      int64_t tn, const Acc *w, int64_t wp, Acc *o) {
  tile<Cell, Acc>(b, cp, n, t, tn, w, wp, o);
}
template <class Cell, class Acc>
[[gnu::target("avx512f,avx512bw")]] void tileAvx512(const Cell *b, int64_t cp, int64_t n,
                                                    const TapRef *t, int64_t tn, const Acc *w,
                                                    int64_t wp, Acc *o) {
  tile<Cell, Acc>(b, cp, n, t, tn, w, wp, o);
}
#endif

template <class Cell, class Acc> TileFn<Cell, Acc> hostTile() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
    return tileAvx512<Cell, Acc>;
  if (__builtin_cpu_supports("avx2"))
    return tileAvx2<Cell, Acc>;
#endif
  return tilePortable<Cell, Acc>;
}

/// Weights as [group][block of 4 channels][ic/group][kh * kw][4], so that a tile reads them in
/// order.
template <class Acc, class Load>
std::vector<Acc> packWeights(const SlidingShape &s, const Load &load) {
  int64_t icg = s.ic / s.group, ocg = s.oc / s.group, taps = s.kh * s.kw;
  int64_t blocks = (ocg + kChannels - 1) / kChannels;
  std::vector<Acc> packed(s.group * blocks * icg * taps * kChannels);
  forRange(s.group * blocks, 4, [&](int64_t first, int64_t last) {
    for (int64_t b = first; b < last; ++b) {
      Acc *to = packed.data() + b * icg * taps * kChannels;
      int64_t group = b / blocks, first = b % blocks * kChannels;
      for (int64_t c = 0; c < icg; ++c)
        for (int64_t k = 0; k < taps; ++k)
          for (int64_t o = 0; o < kChannels; ++o, ++to)
            if (first + o < ocg)
              *to = load(((group * ocg + first + o) * icg + c) * taps + k);
    }
  });
  return packed;
}

template <class Cell, class Acc, class LoadCell>
void slidingSums(const SlidingShape &s, const std::vector<Acc> &weights, const LoadCell &load,
                 const std::vector<Cell> &pad, const RowSink<Acc> &sink) {
  int64_t icg = s.ic / s.group, ocg = s.oc / s.group, taps = s.kh * s.kw;
  int64_t blocks = (ocg + kChannels - 1) / kChannels;
  if (s.rows.out <= 0 || s.cols.out <= 0 || s.n <= 0)
    return;
  TESSERA_CHECK(pad.empty() || int64_t(pad.size()) == s.ic, "one padding value per input channel");

  // Columns of the band: input index first .. first + width, split by inStride into planes, so that
  // the cells of one tap lie side by side.
  int64_t firstCol = 0, lastCol = 0;
  for (int64_t q = 0; q < s.cols.phases(); ++q)
    for (const Tap &t : s.cols.phase[q]) {
      firstCol = std::min(firstCol, t.offset);
      int64_t tiles = (s.cols.count(q) + kCells - 1) / kCells;
      lastCol = std::max(lastCol, (tiles * kCells - 1) * s.cols.inStride + t.offset);
    }
  int64_t step = s.cols.inStride;
  int64_t planePitch = (lastCol - firstCol) / step + 1;
  int64_t rowPitch = planePitch * step;

  TileFn<Cell, Acc> run = hostTile<Cell, Acc>();
  constexpr int64_t kBandRows = 4;
  int64_t bands = (s.rows.out + kBandRows - 1) / kBandRows;
  // Few rows but many channels: split these too. Every cell is computed alike however work is cut.
  int64_t pieces = std::clamp<int64_t>(
      4 * threadCount() / std::max<int64_t>(1, s.n * s.group * bands), 1, blocks);
  forRange(s.n * s.group * bands * pieces, 1, [&](int64_t firstTask, int64_t lastTask) {
    std::vector<Cell> band;
    std::vector<TapRef> refs;
    alignas(64) Acc sums[kChannels * kCells];
    for (int64_t task = firstTask; task < lastTask; ++task) {
      int64_t piece = task % pieces, rest = task / pieces;
      int64_t y0 = rest % bands * kBandRows, y1 = std::min(y0 + kBandRows, s.rows.out);
      int64_t group = rest / bands % s.group, image = rest / bands / s.group;
      int64_t firstRow = INT64_MAX, lastRow = INT64_MIN;
      for (int64_t y = y0; y < y1; ++y)
        for (const Tap &t : s.rows.phase[y % s.rows.phases()]) {
          int64_t row = y / s.rows.phases() * s.rows.inStride + t.offset;
          firstRow = std::min(firstRow, row);
          lastRow = std::max(lastRow, row);
        }
      int64_t rows = lastRow < firstRow ? 0 : lastRow - firstRow + 1;
      int64_t channelPitch = rows * rowPitch;
      band.assign(icg * channelPitch + kCells, Cell{});
      for (int64_t c = 0; c < icg; ++c) {
        int64_t channel = group * icg + c;
        Cell fill = pad.empty() ? Cell{} : pad[channel];
        for (int64_t r = 0; r < rows; ++r) {
          Cell *to = band.data() + c * channelPitch + r * rowPitch;
          int64_t row = firstRow + r;
          if (row < 0 || row >= s.rows.in) {
            std::fill(to, to + rowPitch, fill);
            continue;
          }
          int64_t source = ((image * s.ic + channel) * s.rows.in + row) * s.cols.in;
          for (int64_t p = 0; p < step; ++p)
            for (int64_t j = 0; j < planePitch; ++j) {
              int64_t col = firstCol + j * step + p;
              to[p * planePitch + j] = col < 0 || col >= s.cols.in ? fill : load(source + col);
            }
        }
      }
      int64_t block0 = blocks * piece / pieces, block1 = blocks * (piece + 1) / pieces;
      for (int64_t y = y0; y < y1; ++y)
        for (int64_t q = 0; q < s.cols.phases(); ++q) {
          refs.clear();
          for (const Tap &ty : s.rows.phase[y % s.rows.phases()])
            for (const Tap &tx : s.cols.phase[q]) {
              int64_t row = y / s.rows.phases() * s.rows.inStride + ty.offset - firstRow;
              int64_t col = tx.offset - firstCol;
              refs.push_back({row * rowPitch + col % step * planePitch + col / step,
                              (ty.kernel * s.kw + tx.kernel) * kChannels});
            }
          int64_t count = s.cols.count(q);
          for (int64_t j = 0; j < count; j += kCells)
            for (int64_t b = block0; b < block1; ++b) {
              run(band.data() + j, channelPitch, icg, refs.data(), int64_t(refs.size()),
                  weights.data() + (group * blocks + b) * icg * taps * kChannels, taps * kChannels,
                  sums);
              for (int64_t o = 0; o < kChannels && b * kChannels + o < ocg; ++o)
                sink(image, group * ocg + b * kChannels + o, y, q + j * s.cols.phases(),
                     s.cols.phases(), std::min(kCells, count - j), sums + o * kCells);
            }
        }
    }
  });
}

} // namespace

void slidingSumsInt(const SlidingShape &s, const uint8_t *x, bool xSigned, const uint8_t *w,
                    bool wSigned, const std::vector<int32_t> &pad, const RowSink<uint32_t> &sink) {
  std::vector<uint32_t> weights =
      wSigned ? packWeights<uint32_t>(s, [&](int64_t i) { return uint32_t(int32_t(int8_t(w[i]))); })
              : packWeights<uint32_t>(s, [&](int64_t i) { return uint32_t(w[i]); });
  std::vector<int16_t> fill(pad.begin(), pad.end());
  if (xSigned)
    slidingSums<int16_t, uint32_t>(
        s, weights, [x](int64_t i) { return int16_t(int8_t(x[i])); }, fill, sink);
  else
    slidingSums<int16_t, uint32_t>(
        s, weights, [x](int64_t i) { return int16_t(x[i]); }, fill, sink);
}

void slidingSumsFloat(const SlidingShape &s, const float *x, const float *w,
                      const std::vector<float> &pad, const RowSink<float> &sink) {
  std::vector<float> weights = packWeights<float>(s, [&](int64_t i) { return w[i]; });
  slidingSums<float, float>(s, weights, [x](int64_t i) { return x[i]; }, pad, sink);
}

} // namespace tessera::interpret
