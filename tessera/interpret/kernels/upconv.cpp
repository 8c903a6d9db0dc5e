#include "tessera/interpret/kernels/upconv.h"

#include "tessera/interpret/kernels/serial.h"
#include "tessera/numerics/rounding.h"

#include <cstring>

namespace tessera::interpret {
namespace {

/// The 2x2 filter of one phase, [oc, ic, 2, 2].
Tensor phaseFilter(const Tensor &low, int64_t phase) {
  Tensor f(low.dtype(), {low.dim(1), low.dim(2), 2, 2});
  size_t size = f.bytes().size();
  std::memcpy(f.bytes().data(), low.bytes().data() + size_t(phase) * size, size);
  return f;
}

Shape checkedShape(const Tensor &x, const Tensor &skip, const Tensor &low, const Tensor &skipFilter,
                   const Tensor *bias) {
  int64_t oc = skipFilter.dim(0);
  TESSERA_CHECK(low.shape() == (Shape{4, oc, x.dim(1), 2, 2}) &&
                    skipFilter.shape() == (Shape{oc, skip.dim(1), 3, 3}) &&
                    x.dim(0) == skip.dim(0) && (!bias || bias->shape() == (Shape{oc, 4, 4})),
                "filter shapes of an UpConv");
  for (int64_t d : {2, 3})
    TESSERA_CHECK(skip.dim(d) / 2 == x.dim(d), "sizes of an UpConv's inputs");
  return {x.dim(0), oc, skip.dim(2), skip.dim(3)};
}

/// Calls convolve(phase filter, its two windows) for each phase and hands row by row of the result
/// to sink(plane, y, x0, values, count): cells x0, x0 + 2, ...
template <class T, class Convolve, class Sink>
void eachPhase(const Tensor &x, const Tensor &skip, const Tensor &low, Convolve convolve,
               Sink sink) {
  for (int64_t phase = 0; phase < 4; ++phase) {
    int64_t a = phase / 2, b = phase % 2;
    Tensor sums = convolve(phaseFilter(low, phase), upConvPhase(x.shape(), skip.shape(), a, b));
    const T *from = sums.template as<T>().data();
    int64_t rows = sums.dim(2), columns = sums.dim(3);
    forRange(sums.dim(0) * sums.dim(1), 1, [&](int64_t first, int64_t last) {
      for (int64_t p = first; p < last; ++p)
        for (int64_t i = 0; i < rows; ++i)
          sink(p, 2 * i + a, b, from + (p * rows + i) * columns, columns);
    });
  }
}

} // namespace

UpConvPhase upConvPhase(const Shape &x, const Shape &skip, int64_t a, int64_t b) {
  UpConvPhase p;
  p.low.kernel = {2, 2};
  p.skip.kernel = {3, 3};
  p.skip.strides = {2, 2};
  for (size_t axis = 0; axis < 2; ++axis) {
    int64_t phase = axis == 0 ? a : b, in = x[2 + axis], out = skip[2 + axis];
    int64_t count = (out - phase + 1) / 2;
    p.low.pads[axis] = p.skip.pads[axis] = 1 - phase;
    p.low.pads[2 + axis] = count + 1 - in - (1 - phase);
    p.skip.pads[2 + axis] = 2 * count + 1 - out - (1 - phase);
  }
  return p;
}

int64_t upConvClass(int64_t cell, int64_t in) {
  return cell == 0 ? 1 : cell == 2 * in - 1 ? 2 : cell == 2 * in ? 3 : 0;
}

Tensor upConv(const Tensor &x, const Tensor &skip, const Tensor &low, const Tensor &skipFilter,
              const Tensor *bias, bool relu, FloatPath path) {
  Tensor y(DType::F32, checkedShape(x, skip, low, skipFilter, bias));
  int64_t oc = y.dim(1), h = y.dim(2), w = y.dim(3);
  float *out = y.as<float>().data();
  eachPhase<float>(
      x, skip, low,
      [&](const Tensor &filter, const UpConvPhase &p) {
        Tensor sums = conv2d(x, filter, nullptr, p.low, 1, false, {}, path);
        Tensor more = conv2d(skip, skipFilter, nullptr, p.skip, 1, false, {}, path);
        auto to = sums.as<float>();
        auto from = more.as<float>();
        for (size_t i = 0; i < to.size(); ++i)
          to[i] += from[i];
        return sums;
      },
      [&](int64_t plane, int64_t row, int64_t x0, const float *from, int64_t count) {
        float *to = out + (plane * h + row) * w;
        const float *biases =
            bias ? bias->as<float>().data() + (plane % oc * 4 + upConvClass(row, x.dim(2))) * 4
                 : nullptr;
        for (int64_t i = 0; i < count; ++i) {
          int64_t column = x0 + 2 * i;
          float v = biases ? from[i] + biases[upConvClass(column, x.dim(3))] : from[i];
          to[column] = relu && v < 0 ? 0 : v;
        }
      });
  return y;
}

Tensor upConvInt(const Tensor &x, const Tensor &skip, const Tensor &low, const Tensor &skipFilter,
                 const Tensor *bias, const Requantization &q) {
  Tensor acc(DType::I32, checkedShape(x, skip, low, skipFilter, bias));
  int64_t oc = acc.dim(1), h = acc.dim(2), w = acc.dim(3);
  int32_t *out = acc.as<int32_t>().data();
  eachPhase<int32_t>(
      x, skip, low,
      [&](const Tensor &filter, const UpConvPhase &p) {
        Tensor sums = conv2dAccumulate(x, filter, p.low);
        Tensor more = conv2dAccumulate(skip, skipFilter, p.skip);
        auto to = sums.as<uint32_t>();
        auto from = more.as<uint32_t>();
        for (size_t i = 0; i < to.size(); ++i)
          to[i] += from[i];
        return sums;
      },
      [&](int64_t plane, int64_t row, int64_t x0, const int32_t *from, int64_t count) {
        int32_t *to = out + (plane * h + row) * w;
        const int32_t *biases =
            bias ? bias->as<int32_t>().data() + (plane % oc * 4 + upConvClass(row, x.dim(2))) * 4
                 : nullptr;
        for (int64_t i = 0; i < count; ++i) {
          int64_t column = x0 + 2 * i;
          to[column] = biases ? numerics::saturate<int32_t>(int64_t(from[i]) +
                                                            biases[upConvClass(column, x.dim(3))])
                              : from[i];
        }
      });
  return requantizeAccumulators(acc, nullptr, q);
}

} // namespace tessera::interpret
