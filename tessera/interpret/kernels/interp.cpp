#include "tessera/interpret/kernels/interp.h"

#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/float.h"
#include "tessera/numerics/rounding.h"

#include <algorithm>
#include <cmath>

namespace tessera::interpret {
namespace {

/// The place in the input, in cells, that result index i stands for. In fp32, as onnxruntime
/// computes it: where a coordinate falls on a rounding boundary, nearest must pick the same cell as
/// the user's tools.
float sourcePosition(const Interp &how, int axis, int64_t in, int64_t i) {
  auto scale = float(how.scale[axis]), at = float(i);
  int64_t out = how.outSize[axis];
  switch (how.coordMode) {
  case CoordMode::HalfPixel:
    return (at + 0.5f) / scale - 0.5f;
  case CoordMode::PytorchHalfPixel:
    return out > 1 ? (at + 0.5f) / scale - 0.5f : 0.f;
  case CoordMode::AlignCorners:
    return out > 1 ? at * float(in - 1) / float(out - 1) : 0.f;
  case CoordMode::Asymmetric:
    return at / scale;
  case CoordMode::HalfPixelSymmetric: {
    // ONNX: the factor may differ a little from out / in; keep the picture centred.
    float adjustment = float(out) / (scale * float(in));
    float offset = float(in) / 2 * (1 - adjustment);
    return offset + (at + 0.5f) / scale - 0.5f;
  }
  }
  TESSERA_CHECK(false, "a coordinate mode");
}

struct Weighted {
  int64_t index;
  float weight;
};

std::vector<Weighted> linearTaps(const Interp &how, int axis, int64_t in, int64_t i) {
  float p = std::clamp(sourcePosition(how, axis, in, i), 0.f, float(in - 1));
  auto low = int64_t(std::floor(p));
  int64_t high = std::min(low + 1, in - 1);
  float f = p - float(low);
  return {{low, 1.f - f}, {high, f}};
}

std::vector<Weighted> cubicTaps(const Interp &how, int axis, int64_t in, int64_t i) {
  double p = sourcePosition(how, axis, in, i), a = how.cubicA;
  auto base = int64_t(std::floor(p));
  double t = p - double(base), sum = 0;
  double w[4] = {((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a,
                 ((a + 2) * t - (a + 3)) * t * t + 1,
                 ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1,
                 ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a};
  std::vector<Weighted> taps;
  for (int k = 0; k < 4; ++k) {
    int64_t at = base - 1 + k;
    if (how.excludeOutside && (at < 0 || at >= in))
      w[k] = 0;
    sum += w[k];
  }
  for (int k = 0; k < 4; ++k)
    taps.push_back({std::clamp<int64_t>(base - 1 + k, 0, in - 1),
                    float(how.excludeOutside ? w[k] / sum : w[k])});
  return taps;
}

/// Of every result cell of an axis.
std::vector<std::vector<Weighted>> weightsOf(const Interp &how, int axis, int64_t in) {
  std::vector<std::vector<Weighted>> all;
  for (int64_t i = 0; i < how.outSize[axis]; ++i)
    all.push_back(how.mode == InterpMode::Linear ? linearTaps(how, axis, in, i)
                                                 : cubicTaps(how, axis, in, i));
  return all;
}

} // namespace

int64_t nearestSource(const Interp &how, int axis, int64_t in, int64_t i) {
  float p = sourcePosition(how, axis, in, i), r = 0;
  switch (how.nearestMode) {
  case NearestMode::RoundPreferFloor:
    r = std::ceil(p - 0.5f);
    break;
  case NearestMode::RoundPreferCeil:
    r = std::floor(p + 0.5f);
    break;
  case NearestMode::Floor:
    r = std::floor(p);
    break;
  case NearestMode::Ceil:
    r = std::ceil(p);
    break;
  }
  return std::clamp<int64_t>(int64_t(r), 0, in - 1);
}

Tensor interp(const Tensor &x, const Interp &how) {
  size_t rank = x.rank();
  TESSERA_CHECK(rank >= 2 && x.dim(rank - 2) > 0 && x.dim(rank - 1) > 0, "a resize of a picture");
  int64_t h = x.dim(rank - 2), w = x.dim(rank - 1), oh = how.outSize[0], ow = how.outSize[1];
  Shape shape = x.shape();
  shape[rank - 2] = oh;
  shape[rank - 1] = ow;
  Tensor y(x.dtype(), shape);
  int64_t planes = elementCount(std::span(shape).first(rank - 2));

  if (how.mode == InterpMode::Nearest) {
    std::vector<int64_t> rows(oh), cols(ow);
    for (int64_t i = 0; i < oh; ++i)
      rows[i] = nearestSource(how, 0, h, i);
    for (int64_t i = 0; i < ow; ++i)
      cols[i] = nearestSource(how, 1, w, i);
    auto copy = [&](auto zero) {
      using T = decltype(zero);
      const T *from = x.as<T>().data();
      T *to = y.as<T>().data();
      forRange(planes * oh, 64, [&](int64_t first, int64_t last) {
        for (int64_t r = first; r < last; ++r) {
          const T *row = from + (r / oh * h + rows[r % oh]) * w;
          for (int64_t j = 0; j < ow; ++j)
            to[r * ow + j] = row[cols[j]];
        }
      });
    };
    withElementOfSize(dtypeSize(x.dtype()), copy);
    return y;
  }

  TESSERA_CHECK(x.dtype() == DType::F32, "linear and cubic resize of f32");
  auto rows = weightsOf(how, 0, h), cols = weightsOf(how, 1, w);
  const float *from = x.as<float>().data();
  float *to = y.as<float>().data();
  // Columns first, for the rows that a result row needs, then rows.
  forRange(planes * oh, 16, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      float *out = to + r * ow;
      std::fill_n(out, ow, 0.f);
      for (const Weighted &ty : rows[r % oh]) {
        const float *row = from + (r / oh * h + ty.index) * w;
        for (int64_t j = 0; j < ow; ++j) {
          float v = 0;
          for (const Weighted &tx : cols[j])
            v += tx.weight * row[tx.index];
          out[j] += ty.weight * v;
        }
      }
    }
  });
  return y;
}

AxisTaps floatTaps(const Interp &how, int axis, int64_t in) {
  AxisTaps taps;
  for (const auto &cell : weightsOf(how, axis, in)) {
    std::vector<Tap> list; // one an input cell, in their order
    for (const Weighted &t : cell) {
      auto same = std::ranges::find(list, t.index, &Tap::index);
      if (same == list.end())
        list.push_back({t.index, t.weight});
      else
        same->weight = double(float(same->weight + t.weight));
    }
    std::erase_if(list, [](const Tap &t) { return t.weight == 0; });
    taps.cells.push_back(std::move(list));
  }
  return taps;
}

Tensor interpChip(const Tensor &x, const AxisTaps &rows, const AxisTaps &columns) {
  TESSERA_CHECK(x.rank() == 4 && x.dtype() == DType::F32, "a resize of a rank-4 tensor of f32");
  int64_t h = x.dim(2), w = x.dim(3), planes = x.dim(0) * x.dim(1);
  auto oh = int64_t(rows.cells.size()), ow = int64_t(columns.cells.size());
  Tensor between(DType::F32, {x.dim(0), x.dim(1), h, ow}),
      y(DType::F32, {x.dim(0), x.dim(1), oh, ow});
  // A tap of weight 1 is added as it is, alone or not: the same but for what flushing does anyway.
  auto sum = [](const std::vector<Tap> &taps, auto cell) {
    float v = numerics::mulFlush(cell(taps[0].index), float(taps[0].weight));
    for (size_t k = 1; k < taps.size(); ++k)
      v = numerics::addFlush(v, numerics::mulFlush(cell(taps[k].index), float(taps[k].weight)));
    return v;
  };
  const float *from = x.as<float>().data();
  float *middle = between.as<float>().data(), *to = y.as<float>().data();
  forRange(planes * h, 16, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r)
      for (int64_t j = 0; j < ow; ++j)
        middle[r * ow + j] =
            sum(columns.cells[size_t(j)], [&](int64_t at) { return from[r * w + at]; });
  });
  forRange(planes * oh, 16, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r)
      for (int64_t j = 0; j < ow; ++j)
        to[r * ow + j] = sum(rows.cells[size_t(r % oh)],
                             [&](int64_t at) { return middle[(r / oh * h + at) * ow + j]; });
  });
  return y;
}

AxisTaps integerTaps(const Interp &how, int axis, int64_t in) {
  auto exact = weightsOf(how, axis, in);
  auto whole = [&](int bits) {
    for (const auto &cell : exact)
      for (const Weighted &t : cell)
        if (std::ldexp(t.weight, bits) != std::floor(std::ldexp(t.weight, bits)))
          return false;
    return true;
  };
  AxisTaps taps;
  const int most = how.mode == InterpMode::Linear ? 7 : 6; // sums of u8 by columns fit 16 bits
  while (taps.bits < most && !whole(taps.bits))
    ++taps.bits;
  for (const auto &cell : exact) {
    std::vector<Tap> list; // one an input cell, in their order
    int32_t rest = 1 << taps.bits;
    for (const Weighted &t : cell) {
      auto w = int32_t(std::floor(std::ldexp(double(t.weight), taps.bits) + 0.5));
      auto same = std::ranges::find(list, t.index, &Tap::index);
      if (same == list.end())
        same = list.insert(list.end(), Tap{t.index, 0});
      same->weight += w;
      rest -= w;
    }
    // What rounding lost goes where it changes least.
    std::ranges::max_element(list, {}, &Tap::weight)->weight += rest;
    std::erase_if(list, [](const Tap &t) { return t.weight == 0; });
    taps.cells.push_back(std::move(list));
  }
  return taps;
}

Tensor interpInt(const Tensor &x, const AxisTaps &rows, const AxisTaps &columns) {
  TESSERA_CHECK(x.rank() == 4, "an integer resize of a rank-4 tensor");
  int64_t h = x.dim(2), w = x.dim(3);
  auto oh = int64_t(rows.cells.size()), ow = int64_t(columns.cells.size());
  Tensor y(x.dtype(), {x.dim(0), x.dim(1), oh, ow});
  by8BitType(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *from = x.as<T>().data();
    T *to = y.as<T>().data();
    forRange(x.dim(0) * x.dim(1) * oh, 16, [&](int64_t first, int64_t last) {
      std::vector<int64_t> sums(size_t(w), 0);
      for (int64_t r = first; r < last; ++r) {
        std::ranges::fill(sums, 0);
        for (const Tap &t : rows.cells[size_t(r % oh)])
          for (int64_t j = 0; j < w; ++j)
            sums[size_t(j)] += int64_t(t.weight) * from[(r / oh * h + t.index) * w + j];
        for (int64_t j = 0; j < ow; ++j) {
          int64_t sum = 0;
          for (const Tap &t : columns.cells[size_t(j)])
            sum += int64_t(t.weight) * sums[size_t(t.index)];
          to[r * ow + j] = numerics::saturate<T>(
              numerics::shiftRight(sum, rows.bits + columns.bits, numerics::Rounding::HalfUp));
        }
      }
    });
    return 0;
  });
  return y;
}

} // namespace tessera::interpret
