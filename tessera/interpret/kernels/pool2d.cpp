#include "tessera/interpret/kernels/pool2d.h"

#include "tessera/interpret/kernels/elementwise.h"
#include "tessera/numerics/rounding.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tessera::interpret {

namespace {

Shape pooledShape(const Tensor &x, const Window2d &w, bool ceilMode) {
  TESSERA_CHECK(x.rank() == 4, "pooling of a rank-4 tensor");
  return {x.dim(0), x.dim(1), w.pooledOutputSize(0, x.dim(2), ceilMode),
          w.pooledOutputSize(1, x.dim(3), ceilMode)};
}

/// Outputs [first, last) of a row whose input column j * stride + offset lies inside [0, in).
std::pair<int64_t, int64_t> insideRange(int64_t out, int64_t stride, int64_t offset, int64_t in) {
  int64_t first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
  int64_t last = in - offset <= 0 ? 0 : (in - offset - 1) / stride + 1;
  return {std::min(first, out), std::min(last, out)};
}

template <class T> T lowest() {
  if constexpr (std::is_floating_point_v<T>)
    return -std::numeric_limits<T>::infinity();
  else
    return std::numeric_limits<T>::min();
}

/// The larger; NaN wins, so that a broken activation shows.
template <class T> T larger(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return b > a || b != b ? b : a;
  else
    return std::max(a, b);
}

template <class T> void maxPoolRows(const Tensor &x, const Window2d &w, Tensor &y, bool relu) {
  const T *from = x.as<T>().data();
  T *to = y.as<T>().data();
  int64_t h = x.dim(2), width = x.dim(3), oh = y.dim(2), ow = y.dim(3);
  forRange(x.dim(0) * x.dim(1) * oh, 16, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      T *row = to + r * ow;
      int64_t plane = r / oh, oy = r % oh;
      std::fill_n(row, ow, lowest<T>());
      for (int64_t ky = 0; ky < w.kernel[0]; ++ky) {
        int64_t iy = oy * w.strides[0] + ky * w.dilations[0] - w.pads[0];
        if (iy < 0 || iy >= h)
          continue;
        const T *source = from + (plane * h + iy) * width;
        for (int64_t kx = 0; kx < w.kernel[1]; ++kx) {
          int64_t offset = kx * w.dilations[1] - w.pads[1];
          auto [j0, j1] = insideRange(ow, w.strides[1], offset, width);
          for (int64_t j = j0; j < j1; ++j)
            row[j] = larger(row[j], source[j * w.strides[1] + offset]);
        }
      }
      if (relu)
        for (int64_t j = 0; j < ow; ++j)
          row[j] = row[j] < T(0) ? T(0) : row[j];
    }
  });
}

} // namespace

Tensor maxPool(const Tensor &x, const Window2d &window, bool ceilMode, bool relu) {
  Tensor y(x.dtype(), pooledShape(x, window, ceilMode));
  switch (x.dtype()) {
  case DType::F32:
    maxPoolRows<float>(x, window, y, relu);
    break;
  case DType::I8:
    maxPoolRows<int8_t>(x, window, y, relu);
    break;
  case DType::U8:
    maxPoolRows<uint8_t>(x, window, y, relu);
    break;
  default:
    TESSERA_CHECK(false, "max pooling of f32, i8 or u8");
  }
  return y;
}

Tensor avgPool(const Tensor &x, const Window2d &w, bool countIncludePad, bool ceilMode, bool relu) {
  TESSERA_CHECK(x.dtype() == DType::F32, "average pooling of f32");
  Tensor y(DType::F32, pooledShape(x, w, ceilMode));
  const float *from = x.as<float>().data();
  float *to = y.as<float>().data();
  int64_t h = x.dim(2), width = x.dim(3), oh = y.dim(2), ow = y.dim(3);
  // Cells of a window that count: within the input, or within input and padding (never beyond,
  // which only ceilMode reaches).
  auto counted = [&](int64_t o, int axis, int64_t in) {
    int64_t n = 0;
    for (int64_t k = 0; k < w.kernel[axis]; ++k) {
      int64_t i = o * w.strides[axis] + k * w.dilations[axis] - w.pads[axis];
      n += countIncludePad ? i < in + w.pads[axis + 2] : i >= 0 && i < in;
    }
    return n;
  };
  std::vector<int64_t> colCount(ow);
  for (int64_t j = 0; j < ow; ++j)
    colCount[j] = counted(j, 1, width);
  forRange(x.dim(0) * x.dim(1) * oh, 4, [&](int64_t first, int64_t last) {
    std::vector<double> sums(ow);
    for (int64_t r = first; r < last; ++r) {
      int64_t plane = r / oh, oy = r % oh;
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int64_t ky = 0; ky < w.kernel[0]; ++ky) {
        int64_t iy = oy * w.strides[0] + ky * w.dilations[0] - w.pads[0];
        if (iy < 0 || iy >= h)
          continue;
        const float *source = from + (plane * h + iy) * width;
        for (int64_t kx = 0; kx < w.kernel[1]; ++kx) {
          int64_t offset = kx * w.dilations[1] - w.pads[1];
          auto [j0, j1] = insideRange(ow, w.strides[1], offset, width);
          for (int64_t j = j0; j < j1; ++j)
            sums[j] += source[j * w.strides[1] + offset];
        }
      }
      int64_t rowCount = counted(oy, 0, h);
      for (int64_t j = 0; j < ow; ++j) {
        int64_t cells = rowCount * colCount[j];
        float v = cells == 0 ? 0.f : float(sums[j] / double(cells));
        to[r * ow + j] = relu && v < 0 ? 0 : v;
      }
    }
  });
  return y;
}

Tensor avgPoolInt(const Tensor &x, const Window2d &w, int32_t multiplier, int32_t rshift) {
  Tensor y(x.dtype(), pooledShape(x, w, false));
  int64_t h = x.dim(2), width = x.dim(3), oh = y.dim(2), ow = y.dim(3);
  by8BitType(x.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const T *from = x.as<T>().data();
    T *to = y.as<T>().data();
    forRange(x.dim(0) * x.dim(1) * oh, 4, [&](int64_t first, int64_t last) {
      for (int64_t r = first; r < last; ++r)
        for (int64_t j = 0; j < ow; ++j) {
          int64_t sum = 0;
          for (int64_t ky = 0; ky < w.kernel[0]; ++ky)
            for (int64_t kx = 0; kx < w.kernel[1]; ++kx) {
              int64_t iy = r % oh * w.strides[0] + ky * w.dilations[0] - w.pads[0];
              int64_t ix = j * w.strides[1] + kx * w.dilations[1] - w.pads[1];
              if (iy >= 0 && iy < h && ix >= 0 && ix < width)
                sum += from[(r / oh * h + iy) * width + ix];
            }
          to[r * ow + j] = numerics::saturate<T>(
              numerics::shiftRight(sum * multiplier, rshift, numerics::Rounding::HalfUp));
        }
    });
    return 0;
  });
  return y;
}

} // namespace tessera::interpret
