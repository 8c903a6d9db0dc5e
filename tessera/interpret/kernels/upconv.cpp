#include "tessera/interpret/kernels/upconv.h"

#include "tessera/interpret/kernels/cube.h"
#include "tessera/interpret/kernels/serial.h"
#include "tessera/numerics/float.h"
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

/// `sums` with `more` added element by element, as T.
template <class T> Tensor added(Tensor sums, const Tensor &more) {
  auto to = sums.as<T>();
  auto from = more.as<T>();
  for (size_t i = 0; i < to.size(); ++i)
    to[i] += from[i];
  return sums;
}

/// Writes y phase by phase: convolve(phase filter, its two windows) gives the sums of cells (2i +
/// a, 2j + b), to which add(sum, bias) adds the bias of the cell's class.
template <class T, class Convolve, class Add>
void eachPhase(const Tensor &x, const Tensor &low, const Tensor *bias, Tensor &y, bool relu,
               Convolve convolve, Add add) {
  int64_t oc = y.dim(1), h = y.dim(2), w = y.dim(3);
  T *out = y.as<T>().data();
  for (int64_t phase = 0; phase < 4; ++phase) {
    int64_t a = phase / 2, b = phase % 2;
    Tensor sums = convolve(phaseFilter(low, phase), upConvPhase(x.shape(), y.shape(), a, b));
    const T *values = sums.template as<T>().data();
    int64_t rows = sums.dim(2), columns = sums.dim(3);
    auto writeRow = [&](int64_t plane, int64_t i) {
      const T *from = values + (plane * rows + i) * columns;
      T *to = out + (plane * h + 2 * i + a) * w;
      const T *biases =
          bias ? bias->as<T>().data() + (plane % oc * 4 + upConvClass(2 * i + a, x.dim(2))) * 4
               : nullptr;
      for (int64_t j = 0; j < columns; ++j) {
        int64_t column = 2 * j + b;
        T v = biases ? add(from[j], biases[upConvClass(column, x.dim(3))]) : from[j];
        to[column] = relu && v < 0 ? 0 : v;
      }
    };
    forRange(sums.dim(0) * sums.dim(1), 1, [&](int64_t first, int64_t last) {
      for (int64_t plane = first; plane < last; ++plane)
        for (int64_t i = 0; i < rows; ++i)
          writeRow(plane, i);
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
  eachPhase<float>(
      x, low, bias, y, relu,
      [&](const Tensor &filter, const UpConvPhase &p) {
        return added<float>(conv2d(x, filter, nullptr, p.low, 1, false, {}, path),
                            conv2d(skip, skipFilter, nullptr, p.skip, 1, false, {}, path));
      },
      [](float sum, float bias) { return sum + bias; });
  return y;
}

Tensor upConvCube(const Tensor &x, const Tensor &skip, const Tensor &low, const Tensor &skipFilter,
                  const Tensor *bias, bool relu) {
  Tensor sums(DType::F32, checkedShape(x, skip, low, skipFilter, bias));
  eachPhase<float>(
      x, low, bias, sums, false,
      [&](const Tensor &filter, const UpConvPhase &p) {
        Tensor first = cubeSums(x, filter, p.low, nullptr);
        return cubeSums(skip, skipFilter, p.skip, &first);
      },
      [](float sum, float bias) { return numerics::addNan(bias, sum); });
  Tensor y = x.dtype() == DType::F32 ? sums : chipCast(sums, x.dtype());
  return relu ? chipRelu(y) : y;
}

Tensor upConvInt(const Tensor &x, const Tensor &skip, const Tensor &low, const Tensor &skipFilter,
                 const Tensor *bias, const Requantization &q) {
  Tensor acc(DType::I32, checkedShape(x, skip, low, skipFilter, bias));
  eachPhase<int32_t>(
      x, low, bias, acc, false,
      [&](const Tensor &filter, const UpConvPhase &p) {
        return added<uint32_t>(conv2dAccumulate(x, filter, p.low),
                               conv2dAccumulate(skip, skipFilter, p.skip));
      },
      [](int32_t sum, int32_t bias) { return numerics::saturate<int32_t>(int64_t(sum) + bias); });
  return requantizeAccumulators(acc, nullptr, q);
}

} // namespace tessera::interpret
