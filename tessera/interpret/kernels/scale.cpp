#include "tessera/interpret/kernels/scale.h"

#include "tessera/interpret/kernels/elementwise.h"

namespace tessera::interpret {

Tensor scale(const Tensor &x, const Tensor &factor, const Tensor &bias, bool relu) {
  TESSERA_CHECK(x.dtype() == DType::F32 && x.rank() >= 2 && factor.count() == x.dim(1) &&
                    bias.count() == x.dim(1),
                "one factor and bias per channel");
  Tensor y(DType::F32, x.shape());
  int64_t channels = x.dim(1), plane = elementCount(std::span(x.shape()).subspan(2));
  const float *from = x.as<float>().data(), *f = factor.as<float>().data(),
              *b = bias.as<float>().data();
  float *to = y.as<float>().data();
  forRange(x.dim(0) * channels, 1, [&](int64_t first, int64_t last) {
    for (int64_t p = first; p < last; ++p)
      for (int64_t i = p * plane; i < (p + 1) * plane; ++i) {
        float v = from[i] * f[p % channels] + b[p % channels];
        to[i] = relu && v < 0 ? 0 : v;
      }
  });
  return y;
}

} // namespace tessera::interpret
