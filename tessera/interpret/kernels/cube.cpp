#include "tessera/interpret/kernels/cube.h"

#include "tessera/interpret/kernels/chip_float.h"
#include "tessera/interpret/kernels/depthwise.h"
#include "tessera/interpret/kernels/serial.h"

#include <algorithm>
#include <limits>

namespace tessera::interpret {
namespace {

/// Input channels that the cube sums at once in F16 and BF16.
constexpr int64_t kBlock = 32;
/// Elements of a task.
constexpr int64_t kGrain = 4096;

/// max(v, 0) as the chip has it: NaN, -0 and denormal fp32 and bf16 give +0.
float rectified(float v) { return numerics::flush(v) > 0 ? v : 0.0f; }

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

/// Filter cells of one output channel in the order in which they are summed.
std::vector<float> orderedFilter(const Tensor &filter, int64_t o, int64_t ic, int64_t group,
                                 bool turned, int64_t block) {
  int64_t taps = filter.dim(2) * filter.dim(3), part = ic / group,
          first = o / (filter.dim(0) / group) * part;
  std::vector<float> list;
  for (int64_t c = 0; c < ic; c += block)
    for (int64_t t = 0; t < taps; ++t)
      for (int64_t i = c; i < std::min(c + block, ic); ++i) {
        bool inside = i >= first && i < first + part;
        int64_t at = (o * part + i - first) * taps + (turned ? taps - 1 - t : t);
        list.push_back(inside ? numerics::flush(filter.as<float>()[size_t(at)]) : 0.0f);
      }
  return list;
}

/// Sums begin with `previous`, or the bias, or 0; the result is of type `out`.
Tensor convolve(const Tensor &x, const Tensor &filter, const Tensor *bias, const Axis &ya,
                const Axis &xa, int64_t group, bool turned, bool relu, DType out,
                const Tensor *previous = nullptr) {
  int64_t n = x.dim(0), ic = x.dim(1), oc = filter.dim(0), h = ya.extended(), w = xa.extended();
  bool chains = x.dtype() == DType::F32;
  int64_t block = chains ? 1 : kBlock;
  Tensor y(out, {n, oc, ya.out, xa.out});
  std::vector<std::vector<float>> filters;
  for (int64_t o = 0; o < oc; ++o)
    filters.push_back(orderedFilter(filter, o, ic, group, turned, block));
  std::vector<float> cells(size_t(h * w * ic));
  for (int64_t image = 0; image < n; ++image) {
    std::fill(cells.begin(), cells.end(), 0.0f);
    forRange(h, 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        for (int64_t c = 0; c < w; ++c) {
          int64_t sr = ya.source(r), sc = xa.source(c);
          for (int64_t i = 0; sr >= 0 && sc >= 0 && i < ic; ++i) {
            float v = loaded(x, ((image * ic + i) * ya.in + sr) * xa.in + sc);
            cells[size_t((r * w + c) * ic + i)] = x.dtype() == DType::F16 ? v : numerics::flush(v);
          }
        }
    });
    forRange(oc * ya.out, 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        for (int64_t column = 0; column < xa.out; ++column) {
          int64_t o = row / ya.out, oy = row % ya.out;
          const float *weight = filters[size_t(o)].data();
          int64_t at = ((image * oc + o) * ya.out + oy) * xa.out + column;
          float start = previous ? numerics::flush(previous->as<float>()[size_t(at)])
                        : bias   ? numerics::flush(bias->as<float>()[size_t(o)])
                                 : 0.0f;
          // fp32 sums in two chains that take products in turn; what is there begins the second. A
          // half's is added to zero: -0 becomes +0.
          float chain[2] = {chains ? 0.0f : numerics::addNan(0, start), start};
          int64_t item = 0;
          for (int64_t c = 0; c < ic; c += block)
            for (int64_t ky = 0; ky < ya.kernel; ++ky)
              for (int64_t kx = 0; kx < xa.kernel; ++kx) {
                int64_t count = std::min(block, ic - c);
                const float *cell = &cells[size_t(((oy * ya.stride + ky * ya.dilation) * w +
                                                   column * xa.stride + kx * xa.dilation) *
                                                      ic +
                                                  c)];
                float &sum = chain[chains ? item++ & 1 : 0];
                sum = numerics::addNan(sum, chains ? numerics::mulNan(*cell, *weight)
                                                   : numerics::cubeSum(cell, weight, count));
                weight += count;
              }
          float v = chains ? numerics::addNan(chain[0], chain[1]) : chain[0];
          put(y, at, v);
        }
    });
  }
  return relu ? chipRelu(y) : y;
}

} // namespace

namespace {
Axis convAxis(const Tensor &x, const Window2d &w, int a) {
  int64_t in = x.dim(size_t(2 + a));
  return {in, w.outputSize(a, in), 0, w.strides[a], w.dilations[a], w.kernel[a], w.pads[a]};
}
} // namespace

Tensor cubeSums(const Tensor &x, const Tensor &filter, const Window2d &w, const Tensor *previous) {
  return convolve(x, filter, nullptr, convAxis(x, w, 0), convAxis(x, w, 1), 1, false, false,
                  DType::F32, previous);
}

Tensor cubeConv2d(const Tensor &x, const Tensor &filter, const Tensor *bias, const Window2d &w,
                  int64_t group, bool relu) {
  if (isDepthwise(group, x.dim(1), filter.dim(0)))
    return chipDepthwise(x, filter, bias, w, relu);
  return convolve(x, filter, bias, convAxis(x, w, 0), convAxis(x, w, 1), group, false, relu,
                  x.dtype());
}

Tensor cubeDeconv(const Tensor &x, const Tensor &filter, const Tensor *bias, const Window2d &w,
                  int64_t group, bool relu) {
  auto axis = [&](int a) {
    int64_t in = x.dim(size_t(2 + a));
    return Axis{in,
                w.transposedOutputSize(a, in),
                w.strides[a] - 1,
                1,
                w.dilations[a],
                w.kernel[a],
                w.dilations[a] * (w.kernel[a] - 1) - w.pads[a]};
  };
  return convolve(x, filter, bias, axis(0), axis(1), group, true, relu, x.dtype());
}

Tensor chipMaxPool(const Tensor &x, const Window2d &w, bool ceilMode, bool relu) {
  int64_t h = x.dim(2), width = x.dim(3);
  Tensor y(x.dtype(), {x.dim(0), x.dim(1), w.pooledOutputSize(0, h, ceilMode),
                       w.pooledOutputSize(1, width, ceilMode)});
  int64_t oh = y.dim(2), ow = y.dim(3);
  // A maximum starts with the lowest finite value.
  Tensor lowest(x.dtype(), {1});
  if (x.dtype() == DType::F32)
    lowest.as<float>()[0] = std::numeric_limits<float>::lowest();
  else
    lowest.as<uint16_t>()[0] = x.dtype() == DType::F16 ? 0xFBFF : 0xFF7F;
  int64_t size = dtypeSize(x.dtype());
  forRange(x.dim(0) * x.dim(1) * oh, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t column = 0; column < ow; ++column) {
        int64_t from = -1; // of the largest so far
        float kept = loaded(lowest, 0);
        for (int64_t ky = 0; ky < w.kernel[0]; ++ky)
          for (int64_t kx = 0; kx < w.kernel[1]; ++kx) {
            int64_t r = row % oh * w.strides[0] + ky * w.dilations[0] - w.pads[0],
                    c = column * w.strides[1] + kx * w.dilations[1] - w.pads[1];
            bool inside = r >= 0 && r < h && c >= 0 && c < width;
            int64_t at = inside ? (row / oh * h + r) * width + c : -1;
            float v = inside ? loaded(x, at) : loaded(lowest, 0);
            if (!(numerics::flush(kept) > numerics::flush(v))) {
              kept = v;
              from = at;
            }
          }
        const uint8_t *source = from < 0 ? lowest.bytes().data() : x.bytes().data() + from * size;
        std::memcpy(y.bytes().data() + (row * ow + column) * size, source, size_t(size));
        if (x.dtype() == DType::F32)
          y.as<float>()[size_t(row * ow + column)] = numerics::flush(kept);
      }
  });
  return relu ? chipRelu(y) : y;
}

Tensor chipRelu(const Tensor &x) {
  Tensor y(x.dtype(), x.shape());
  forRange(x.count(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      put(y, i, rectified(loaded(x, i)));
  });
  return y;
}

Tensor chipLeakyRelu(const Tensor &x, double alpha) {
  Tensor y(x.dtype(), x.shape()), factor(x.dtype(), {1});
  put(factor, 0, float(alpha));
  float a = loaded(factor, 0);
  forRange(x.count(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float v = loaded(x, i), scaled = chipProduct(x.dtype(), v, a);
      v = numerics::flush(v);
      scaled = numerics::flush(scaled);
      put(y, i, scaled > v ? scaled : v);
    }
  });
  return y;
}

Tensor chipFlush(const Tensor &x) {
  Tensor y(x.dtype(), x.shape());
  forRange(x.count(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      put(y, i, numerics::flush(loaded(x, i)));
  });
  return y;
}

Tensor chipAdd(const Tensor &a, const Tensor &b, bool relu) {
  TESSERA_CHECK(a.shape() == b.shape() && a.dtype() == b.dtype(),
                "a sum of equal shapes and types");
  Tensor y(a.dtype(), a.shape());
  forRange(a.count(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      put(y, i, chipSum(a.dtype(), loaded(a, i), loaded(b, i)));
  });
  return relu ? chipRelu(y) : y;
}

Tensor chipCast(const Tensor &x, DType to) {
  Tensor y(to, x.shape());
  forRange(x.count(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      put(y, i, loaded(x, i));
  });
  return y;
}

} // namespace tessera::interpret
