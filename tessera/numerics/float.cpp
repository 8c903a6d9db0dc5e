#include "tessera/numerics/float.h"

namespace tessera::numerics {

float rsqrt(float x, int steps) {
  float y = std::bit_cast<float>(0x5F3759DFu - (std::bit_cast<uint32_t>(x) >> 1));
  float g = mulFlush(x, 0.5f);
  for (int i = 0; i < steps; ++i)
    y = mulFlush(y, subFlush(1.5f, mulFlush(mulFlush(g, y), y)));
  return y;
}

float divide(float a, float b, int steps) {
  float y = rsqrt(std::abs(b), steps);
  return mulFlush(a, std::copysign(mulFlush(y, y), b));
}

float taylor(float x, std::span<const float> c) {
  float r = c.back();
  for (size_t i = c.size() - 1; i-- > 0;)
    r = addFlush(mulFlush(r, x), c[i]);
  return r;
}

} // namespace tessera::numerics
