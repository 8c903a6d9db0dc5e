#include "tessera/interpret/kernels/cube.h"

#include "tessera/interpret/kernels/chip_float.h"
#include "tessera/interpret/kernels/serial.h"
#include "tessera/numerics/exponential.h"

#include <algorithm>
#include <limits>

namespace tessera::interpret {
namespace {

/// Elements of a task.
constexpr int64_t kGrain = 4096;

/// max(v, 0) as the chip has it: NaN, -0 and denormal fp32 and bf16 give +0.
float rectified(float v) { return numerics::flush(v) > 0 ? v : 0.0f; }

} // namespace

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

Tensor chipArith(Arith op, const Tensor &a, const Tensor &b) {
  TESSERA_CHECK(a.shape() == b.shape() && a.dtype() == b.dtype() &&
                    (op != Arith::Div || a.dtype() == DType::F32),
                "two tensors of one shape and type");
  Tensor y(a.dtype(), a.shape());
  auto run = [&](auto f) {
    forRange(a.count(), kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        put(y, i, f(a.dtype(), loaded(a, i), loaded(b, i)));
    });
  };
  switch (op) {
  case Arith::Add:
    run(chipSum);
    break;
  case Arith::Sub:
    run(chipDifference);
    break;
  case Arith::Mul:
    run(chipProduct);
    break;
  case Arith::Div:
    run([](DType, float p, float q) { return numerics::divide(p, q, numerics::kDivisionSteps); });
    break;
  }
  return y;
}

Tensor chipClip(const Tensor &x, double low, double high) {
  Tensor y(x.dtype(), x.shape()), bounds(x.dtype(), {2});
  put(bounds, 0, float(low));
  put(bounds, 1, float(high));
  float lo = numerics::flush(loaded(bounds, 0)), hi = numerics::flush(loaded(bounds, 1));
  forRange(x.count(), kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float v = numerics::flush(loaded(x, i));
      v = v > lo ? v : lo;
      put(y, i, v >= hi ? hi : v);
    }
  });
  return y;
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
