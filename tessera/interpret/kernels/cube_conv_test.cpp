// Convolutions on the host's vectors against the rules one product after the other.
#include "tessera/interpret/kernels/cube.h"
#include "tessera/numerics/bfloat.h"
#include "tessera/numerics/float.h"
#include "tessera/numerics/half.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <optional>
#include <random>

namespace tessera::interpret {
namespace {

struct Case {
  Tensor x, filter;
  std::optional<Tensor> bias;
  Window2d window;
  int64_t group;
  bool transposed;
};

/// Value of an input cell of the convolution over inserted zeros, 0 outside.
float cellAt(const Case &c, int64_t n, int64_t channel, std::array<int64_t, 2> at) {
  for (size_t a : {0, 1}) {
    int64_t insert = c.transposed ? c.window.strides[a] : 1;
    if (at[a] < 0 || at[a] % insert || at[a] / insert >= c.x.dim(int64_t(2 + a)))
      return 0;
    at[a] /= insert;
  }
  auto i = size_t(((n * c.x.dim(1) + channel) * c.x.dim(2) + at[0]) * c.x.dim(3) + at[1]);
  switch (c.x.dtype()) {
  case DType::F32:
    return numerics::flush(c.x.as<float>()[i]);
  case DType::F16:
    return numerics::halfToFloat(c.x.as<uint16_t>()[i]);
  default:
    return numerics::flush(numerics::bfloatToFloat(c.x.as<uint16_t>()[i]));
  }
}

/// One output as the cube makes it, all groups as one dense filter.
float byRule(const Case &c, int64_t n, int64_t o, int64_t y, int64_t x) {
  const Window2d &w = c.window;
  int64_t ic = c.x.dim(1), part = ic / c.group, kh = w.kernel[0], kw = w.kernel[1];
  int64_t mine = o / (c.filter.dim(0) / c.group) * part;
  bool chains = c.x.dtype() == DType::F32;
  float start = c.bias ? numerics::flush(c.bias->as<float>()[size_t(o)]) : 0.0f;
  float chain[2] = {chains ? 0.0f : numerics::addNan(0, start), start};
  int64_t block = chains ? 1 : 32, item = 0;
  for (int64_t first = 0; first < ic; first += block)
    for (int64_t tap = 0; tap < kh * kw; ++tap, ++item) {
      float cells[32], weights[32];
      int64_t count = std::min(block, ic - first);
      for (int64_t k = 0; k < count; ++k) {
        int64_t i = first + k, ky = tap / kw, kx = tap % kw;
        auto position = [&](size_t a, int64_t out, int64_t k) {
          return c.transposed
                     ? out + k * w.dilations[a] - (w.dilations[a] * (w.kernel[a] - 1) - w.pads[a])
                     : out * w.strides[a] + k * w.dilations[a] - w.pads[a];
        };
        cells[k] = cellAt(c, n, i, {position(0, y, ky), position(1, x, kx)});
        int64_t turned = c.transposed ? kh * kw - 1 - tap : tap;
        weights[k] =
            i < mine || i >= mine + part
                ? 0.0f
                : numerics::flush(
                      c.filter.as<float>()[size_t((o * part + i - mine) * kh * kw + turned)]);
      }
      float &sum = chain[chains ? item % 2 : 0];
      sum = numerics::addNan(sum, chains ? numerics::mulNan(cells[0], weights[0])
                                         : numerics::cubeSum(cells, weights, count));
    }
  return chains ? numerics::addNan(chain[0], chain[1]) : chain[0];
}

class CubeConv : public ::testing::TestWithParam<DType> {
protected:
  std::mt19937 random{uint32_t(GetParam())};
  int64_t draw(int64_t from, int64_t to) {
    return std::uniform_int_distribution<int64_t>(from, to)(random);
  }
  /// Normal values, and zeros; with `special`, denormals, infinities, NaN and the far ends too.
  float value(bool special) {
    constexpr float kSpecial[] = {0.0f,   -0.0f,   1e-40f,   -1e-39f,   0x1p-126f,
                                  1e-20f, -1e-25f, INFINITY, -INFINITY, NAN};
    if (special && draw(0, 9) == 0)
      return kSpecial[draw(0, 9)];
    return draw(0, 7) ? std::normal_distribution<float>()(random) : 0.0f;
  }
  Tensor values(Shape shape, bool special) {
    Tensor t(DType::F32, shape);
    for (float &v : t.as<float>())
      v = value(special);
    return t;
  }
  Case next(bool special) {
    Case c{};
    c.transposed = draw(0, 3) == 0;
    c.group = draw(0, 1) ? 1 : draw(2, 40);
    bool depthwise = c.group > 1 && draw(0, 1);
    int64_t part = c.group == 1 ? draw(1, 70) : depthwise ? 1 : draw(1, 3);
    int64_t oc = c.group * (c.group == 1 ? draw(1, 20) : draw(1, 2));
    if (!c.transposed && isDepthwise(c.group, c.group * part, oc))
      oc *= 2; // the pooling unit's otherwise
    for (size_t a : {0, 1}) {
      c.window.kernel[a] = draw(1, 3);
      c.window.strides[a] = draw(1, 2);
      c.window.dilations[a] = draw(1, 2);
      c.window.pads[a] = draw(0, c.window.kernel[a] - 1);
      c.window.pads[a + 2] = draw(0, c.window.kernel[a] - 1);
    }
    DType type = GetParam();
    c.x = values({draw(1, 2), c.group * part, draw(3, 7), draw(3, 9)}, special);
    c.filter = values({oc, part, c.window.kernel[0], c.window.kernel[1]}, special && draw(0, 1));
    if (type != DType::F32) {
      c.x = chipCast(c.x, type);
      c.filter = chipCast(chipCast(c.filter, type), DType::F32);
    }
    if (draw(0, 2))
      c.bias = values({oc}, special && draw(0, 1));
    return c;
  }
  void compare(const Case &c, int index) {
    const Tensor *bias = c.bias ? &*c.bias : nullptr;
    Tensor y =
        (c.transposed ? cubeDeconv : cubeConv2d)(c.x, c.filter, bias, c.window, c.group, false);
    Tensor expected(DType::F32, y.shape());
    float *to = expected.as<float>().data();
    for (int64_t n = 0; n < y.dim(0); ++n)
      for (int64_t o = 0; o < y.dim(1); ++o)
        for (int64_t r = 0; r < y.dim(2); ++r)
          for (int64_t x = 0; x < y.dim(3); ++x)
            *to++ = byRule(c, n, o, r, x);
    if (y.dtype() != DType::F32)
      expected = chipCast(expected, y.dtype());
    EXPECT_TRUE(std::ranges::equal(y.bytes(), expected.bytes()))
        << "case " << index << ", groups " << c.group;
  }
};

TEST_P(CubeConv, EqualsTheRules) {
  for (int i = 0; i < 20; ++i)
    compare(next(false), i);
}

TEST_P(CubeConv, EqualsTheRulesWithSpecialValues) {
  for (int i = 0; i < 20; ++i)
    compare(next(true), i);
}

INSTANTIATE_TEST_SUITE_P(Types, CubeConv, ::testing::Values(DType::F32, DType::F16, DType::BF16));

} // namespace
} // namespace tessera::interpret
