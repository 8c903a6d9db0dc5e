#include "tessera/interpret/kernels/cube.h"

#include "tessera/interpret/kernels/depthwise.h"
#include "tessera/interpret/kernels/serial.h"
#include "tessera/numerics/conv_float.h"
#include "tessera/numerics/float.h"

#include <algorithm>
#include <bit>
#include <span>

namespace tessera::interpret {
namespace {

using numerics::kFloatBlock;
using numerics::kFloatGroup;
using numerics::Magnitudes;

/// Positions of a task: their sums stay in the first-level cache.
constexpr int64_t kChunk = 64;

/// One axis of a window over an input with `insert` zeros between neighbours.
struct Axis {
  int64_t in, out, insert, stride, dilation, kernel, padBefore;

  int64_t extended() const { return (out - 1) * stride + (kernel - 1) * dilation + 1; }
  /// Input of an extended position, -1 for a zero.
  int64_t source(int64_t position) const {
    int64_t p = position - padBefore;
    return p < 0 || p % (insert + 1) || p / (insert + 1) >= in ? -1 : p / (insert + 1);
  }
};

void measure(Magnitudes &m, const float *v, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    m.add(std::bit_cast<uint32_t>(v[i]));
}

/// One convolution, or a transposed one over inserted zeros with its filter `turned`.
struct Job {
  Tensor x; ///< F32
  const Tensor &filter;
  const Tensor *bias, *previous; ///< sums begin with one of them, or 0
  Axis rows, columns;
  int64_t group;
  bool turned, chains; ///< F32's two chains; else blocks

  int64_t ic() const { return x.dim(1); }
  int64_t oc() const { return filter.dim(0); }
  int64_t taps() const { return rows.kernel * columns.kernel; }
  int64_t positions() const { return rows.out * columns.out; }
};

/// Input channels [first, end).
struct Channels {
  int64_t first, end;
};

/// Those that output channels [o, o + 16) read, by whole blocks.
Channels channelsOf(const Job &j, int64_t o) {
  int64_t in = j.ic() / j.group, out = j.oc() / j.group, last = std::min(o + kFloatGroup, j.oc());
  Channels c{o / out * in, ((last - 1) / out + 1) * in};
  if (j.chains)
    return c;
  int64_t end = (c.end + kFloatBlock - 1) / kFloatBlock * kFloatBlock;
  return {c.first / kFloatBlock * kFloatBlock, std::min(end, j.ic())};
}

/// Cells of one image as [row][column][channel], zeros inserted and around.
Magnitudes packCells(const Job &j, int64_t image, std::vector<float> &cells) {
  int64_t h = j.rows.extended(), w = j.columns.extended(), ic = j.ic();
  cells.assign(size_t(h * w * ic), 0.0f);
  std::vector<Magnitudes> sizes(static_cast<size_t>(h));
  const float *x = j.x.as<float>().data() + image * ic * j.rows.in * j.columns.in;
  forRange(h, 1, [&](int64_t begin, int64_t end) {
    constexpr int64_t kTile = 16; // channels of one cache line of cells
    for (int64_t r = begin; r < end; ++r) {
      int64_t sr = j.rows.source(r);
      float *row = cells.data() + r * w * ic;
      for (int64_t first = 0; sr >= 0 && first < ic; first += kTile)
        for (int64_t c = 0; c < w; ++c)
          if (int64_t sc = j.columns.source(c); sc >= 0)
            for (int64_t i = first; i < std::min(first + kTile, ic); ++i)
              row[c * ic + i] = x[(i * j.rows.in + sr) * j.columns.in + sc];
      measure(sizes[size_t(r)], row, w * ic);
    }
  });
  Magnitudes all;
  for (const Magnitudes &m : sizes)
    all.add(m);
  return all;
}

/// Weights of output channels [o, o + 16) over `channels` as numerics::FloatConvTask wants them.
struct Filter {
  Channels channels;
  std::vector<float> weights;
  Magnitudes sizes;
};

/// Zeros where an input channel belongs to another group.
Filter packFilter(const Job &j, int64_t o, Channels c) {
  int64_t taps = j.taps(), block = j.chains ? 1 : kFloatBlock, part = j.ic() / j.group;
  Filter f{c, std::vector<float>(size_t((c.end - c.first) * taps * kFloatGroup)), {}};
  for (int64_t lane = 0; lane < std::min(kFloatGroup, j.oc() - o); ++lane) {
    int64_t mine = (o + lane) / (j.oc() / j.group) * part;
    const float *from = j.filter.as<float>().data() + (o + lane) * part * taps;
    for (int64_t i = mine; i < mine + part; ++i) {
      int64_t b = (i - c.first) / block * block, n = std::min(block, c.end - c.first - b);
      for (int64_t t = 0; t < taps; ++t) {
        float v = numerics::flush(from[(i - mine) * taps + (j.turned ? taps - 1 - t : t)]);
        f.weights[size_t((b * taps + t * n + i - c.first - b) * kFloatGroup + lane)] = v;
        f.sizes.add(std::bit_cast<uint32_t>(v));
      }
    }
  }
  return f;
}

/// What sums of positions [first, first + count) of output channels [o, o + 16) begin with.
/// Returns whether plain arithmetic may go on from there. Of the two chains of fp32 what is there
/// begins the second; a half's is added to zero: -0 becomes +0.
bool start(const Job &j, int64_t image, int64_t o, int64_t first, int64_t count, float *sums,
           float *odd) {
  bool plain = true;
  std::fill_n(sums, count * kFloatGroup, 0.0f);
  std::fill_n(odd, count * kFloatGroup, 0.0f);
  for (int64_t lane = 0; lane < std::min(kFloatGroup, j.oc() - o); ++lane)
    for (int64_t p = 0; p < count; ++p) {
      float v = 0;
      if (j.previous)
        v = j.previous
                ->as<float>()[size_t((image * j.oc() + o + lane) * j.positions() + first + p)];
      else if (j.bias)
        v = j.bias->as<float>()[size_t(o + lane)];
      v = j.chains ? numerics::flush(v) : numerics::addNan(0, v);
      (j.chains ? odd : sums)[p * kFloatGroup + lane] = v;
      plain = plain && numerics::isPlainStart(std::bit_cast<uint32_t>(v));
    }
  return plain;
}

/// Offsets in the extended input of what an axis pair steps over.
std::vector<int64_t> offsets(int64_t rows, int64_t rowStep, int64_t columns, int64_t columnStep) {
  std::vector<int64_t> list;
  for (int64_t y = 0; y < rows; ++y)
    for (int64_t x = 0; x < columns; ++x)
      list.push_back(y * rowStep + x * columnStep);
  return list;
}

/// Result F32.
Tensor convolve(const Job &j) {
  int64_t n = j.x.dim(0), ic = j.ic(), count = j.positions(),
          chunks = (count + kChunk - 1) / kChunk;
  int64_t step = j.columns.extended() * ic;
  const Axis &ya = j.rows, &xa = j.columns;
  auto positions = offsets(ya.out, ya.stride * step, xa.out, xa.stride * ic);
  auto taps = offsets(ya.kernel, ya.dilation * step, xa.kernel, xa.dilation * ic);
  std::vector<Filter> filters(size_t((j.oc() + kFloatGroup - 1) / kFloatGroup));
  auto groups = int64_t(filters.size());
  forRange(groups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g)
      filters[size_t(g)] = packFilter(j, g * kFloatGroup, channelsOf(j, g * kFloatGroup));
  });
  Tensor y(DType::F32, {n, j.oc(), ya.out, xa.out});
  std::vector<float> cells;
  for (int64_t image = 0; image < n; ++image) {
    Magnitudes cellSizes = packCells(j, image, cells);
    auto plainFilter = [&](const Filter &f) {
      return numerics::isPlain(cellSizes, f.sizes, j.chains);
    };
    auto plainBias = [&](int64_t o) {
      auto bias = j.bias ? j.bias->as<float>().subspan(size_t(o)) : std::span<const float>();
      bias = bias.first(std::min(bias.size(), size_t(kFloatGroup)));
      return std::all_of(bias.begin(), bias.end(), [](float v) {
        return numerics::isPlainStart(std::bit_cast<uint32_t>(numerics::flush(v)));
      });
    };
    // Zeros of other groups change no plain sum, but infinity times zero is NaN: sums by the rules
    // go over all channels.
    forRange(groups, 1, [&](int64_t begin, int64_t end) {
      for (int64_t g = begin; g < end; ++g)
        if (Filter &f = filters[size_t(g)];
            j.group > 1 && !(plainFilter(f) && plainBias(g * kFloatGroup)))
          f = packFilter(j, g * kFloatGroup, {0, ic});
    });
    forRange(groups * chunks, 1, [&](int64_t begin, int64_t end) {
      float sums[kChunk * kFloatGroup], odd[kChunk * kFloatGroup];
      for (int64_t item = begin; item < end; ++item) {
        int64_t g = item / chunks, o = g * kFloatGroup, first = item % chunks * kChunk;
        int64_t size = std::min(kChunk, count - first);
        const Filter &f = filters[size_t(g)];
        bool plain = start(j, image, o, first, size, sums, odd) && plainFilter(f);
        // The first product of these channels goes to the chain that it would go to among all.
        bool swapped = j.chains && f.channels.first * j.taps() % 2;
        float *result = swapped ? odd : sums;
        numerics::FloatConvTask task{cells.data() + f.channels.first,
                                     positions.data() + first,
                                     size,
                                     taps.data(),
                                     j.taps(),
                                     f.channels.end - f.channels.first,
                                     f.weights.data(),
                                     result,
                                     swapped ? sums : odd};
        j.chains ? numerics::convChains(task, plain) : numerics::convBlocks(task, plain);
        for (int64_t lane = 0; lane < std::min(kFloatGroup, j.oc() - o); ++lane) {
          float *to = y.as<float>().data() + (image * j.oc() + o + lane) * count + first;
          for (int64_t i = 0; i < size; ++i)
            to[i] = result[i * kFloatGroup + lane];
        }
      }
    });
  }
  return y;
}

/// x as F32; only F16 keeps its denormals.
Tensor widened(const Tensor &x) {
  return x.dtype() == DType::F16 ? chipCast(x, DType::F32)
                                 : chipFlush(x.dtype() == DType::F32 ? x : chipCast(x, DType::F32));
}

Axis convAxis(const Tensor &x, const Window2d &w, int a) {
  int64_t in = x.dim(size_t(2 + a));
  return {in, w.outputSize(a, in), 0, w.strides[a], w.dilations[a], w.kernel[a], w.pads[a]};
}

Axis deconvAxis(const Tensor &x, const Window2d &w, int a) {
  int64_t in = x.dim(size_t(2 + a));
  return {in,
          w.transposedOutputSize(a, in),
          w.strides[a] - 1,
          1,
          w.dilations[a],
          w.kernel[a],
          w.dilations[a] * (w.kernel[a] - 1) - w.pads[a]};
}

Tensor finished(const Job &j, DType to, bool relu) {
  Tensor y = convolve(j);
  if (to != DType::F32)
    y = chipCast(y, to);
  return relu ? chipRelu(y) : y;
}

} // namespace

Tensor cubeSums(const Tensor &x, const Tensor &filter, const Window2d &w, const Tensor *previous) {
  return convolve({widened(x), filter, nullptr, previous, convAxis(x, w, 0), convAxis(x, w, 1), 1,
                   false, x.dtype() == DType::F32});
}

Tensor cubeConv2d(const Tensor &x, const Tensor &filter, const Tensor *bias, const Window2d &w,
                  int64_t group, bool relu) {
  if (isDepthwise(group, x.dim(1), filter.dim(0)))
    return chipDepthwise(x, filter, bias, w, relu);
  return finished({widened(x), filter, bias, nullptr, convAxis(x, w, 0), convAxis(x, w, 1), group,
                   false, x.dtype() == DType::F32},
                  x.dtype(), relu);
}

Tensor cubeDeconv(const Tensor &x, const Tensor &filter, const Tensor *bias, const Window2d &w,
                  int64_t group, bool relu) {
  return finished({widened(x), filter, bias, nullptr, deconvAxis(x, w, 0), deconvAxis(x, w, 1),
                   group, true, x.dtype() == DType::F32},
                  x.dtype(), relu);
}

} // namespace tessera::interpret
