// Both convolutions against the plainest loops: every cell, every tap, one at a time.
#include "tessera/interpret/kernels/conv2d.h"
#include "tessera/interpret/kernels/deconv.h"
#include "tessera/interpret/kernels/serial.h"
#include "tessera/numerics/requantize.h"

#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace tessera::interpret {
namespace {

struct Case {
  int64_t n, ic, h, w, oc, group;
  Window2d window;
  bool transposed;
};

/// Calls f(output index, input index or -1 for padding, weight index, input channel) for every
/// product.
template <class F> void forProducts(const Case &c, int64_t oh, int64_t ow, const F &f) {
  int64_t icg = c.ic / c.group, ocg = c.oc / c.group;
  const Window2d &k = c.window;
  for (int64_t n = 0; n < c.n; ++n)
    for (int64_t o = 0; o < c.oc; ++o)
      for (int64_t y = 0; y < oh; ++y)
        for (int64_t x = 0; x < ow; ++x)
          for (int64_t i = 0; i < icg; ++i)
            for (int64_t ky = 0; ky < k.kernel[0]; ++ky)
              for (int64_t kx = 0; kx < k.kernel[1]; ++kx) {
                int64_t iy, ix, channel = o / ocg * icg + i;
                if (c.transposed) {
                  iy = y + k.pads[0] - ky * k.dilations[0];
                  ix = x + k.pads[1] - kx * k.dilations[1];
                  if (iy % k.strides[0] || ix % k.strides[1])
                    continue;
                  iy /= k.strides[0];
                  ix /= k.strides[1];
                } else {
                  iy = y * k.strides[0] + ky * k.dilations[0] - k.pads[0];
                  ix = x * k.strides[1] + kx * k.dilations[1] - k.pads[1];
                }
                bool inside = iy >= 0 && iy < c.h && ix >= 0 && ix < c.w;
                f(((n * c.oc + o) * oh + y) * ow + x,
                  inside ? ((n * c.ic + channel) * c.h + iy) * c.w + ix : -1,
                  ((o * icg + i) * k.kernel[0] + ky) * k.kernel[1] + kx, channel);
              }
}

std::vector<Case> cases() {
  auto win = [](std::array<int64_t, 2> k, std::array<int64_t, 2> s, std::array<int64_t, 2> d,
                std::array<int64_t, 4> p,
                std::array<int64_t, 2> op = {0, 0}) { return Window2d{k, s, d, p, op}; };
  return {
      {1, 3, 7, 9, 5, 1, win({3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}), false},
      {2, 4, 9, 40, 6, 2, win({3, 2}, {2, 1}, {1, 2}, {0, 1, 2, 1}), false},
      {1, 6, 8, 8, 6, 6, win({5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}), false},
      {1, 2, 11, 19, 3, 1, win({3, 3}, {2, 3}, {2, 2}, {3, 1, 0, 2}), false},
      {1, 8, 5, 33, 9, 1, win({1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}), false},
      {1, 1, 1, 1, 1, 1, win({3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}), false},
      {1, 2, 4, 5, 4, 1, win({2, 2}, {1, 1}, {1, 1}, {4, 3, 5, 3}),
       false}, // windows in padding alone
      {1, 32, 40, 21, 24, 1, win({3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}), false},
      {1, 4, 5, 6, 3, 1, win({2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}), true},
      {2, 4, 5, 6, 6, 2, win({3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, {1, 1}), true},
      {1, 3, 4, 7, 5, 1, win({4, 3}, {2, 3}, {1, 2}, {1, 0, 0, 2}), true},
      {1, 3, 6, 5, 2, 1, win({3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}), true},
      {1, 2, 3, 4, 2, 1, win({1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}), true}, // phases without a tap
      {1, 2, 5, 4, 3, 1, win({3, 3}, {2, 2}, {2, 2}, {0, 1, 2, 0}, {1, 0}), true},
  };
}

std::string name(const Case &c) {
  return (c.transposed ? "deconv " : "conv ") + shapeText(Shape{c.n, c.ic, c.h, c.w}) + " -> " +
         std::to_string(c.oc) + " kernel " + std::to_string(c.window.kernel[0]) + "x" +
         std::to_string(c.window.kernel[1]) + " stride " + std::to_string(c.window.strides[0]);
}

Shape resultShape(const Case &c) {
  auto size = [&](int axis, int64_t in) {
    return c.transposed ? c.window.transposedOutputSize(axis, in) : c.window.outputSize(axis, in);
  };
  return {c.n, c.oc, size(0, c.h), size(1, c.w)};
}

Tensor random(DType t, Shape shape, std::mt19937 &rng) {
  Tensor v(t, std::move(shape));
  if (t == DType::F32)
    for (float &f : v.as<float>())
      f = std::uniform_real_distribution<float>(-1, 1)(rng);
  else
    for (uint8_t &b : v.bytes())
      b = uint8_t(rng());
  return v;
}

int64_t value(const Tensor &t, int64_t i) {
  return t.dtype() == DType::I8 ? int8_t(t.bytes()[i]) : t.bytes()[i];
}

TEST(Conv2d, IntegerEqualsPlainLoops) {
  std::mt19937 rng(1);
  for (const Case &c : cases())
    for (auto [xt, wt] : {std::pair{DType::I8, DType::I8},
                          {DType::U8, DType::I8},
                          {DType::I8, DType::U8},
                          {DType::U8, DType::U8}}) {
      SCOPED_TRACE(name(c));
      Tensor x = random(xt, {c.n, c.ic, c.h, c.w}, rng);
      Tensor w = random(wt, {c.oc, c.ic / c.group, c.window.kernel[0], c.window.kernel[1]}, rng);
      std::vector<int32_t> pad;
      if (!c.transposed && xt == DType::U8)
        for (int64_t i = 0; i < c.ic; ++i)
          pad.push_back(int32_t(rng() % 256));
      Shape shape = resultShape(c);
      std::vector<uint32_t> expected(elementCount(shape));
      forProducts(c, shape[2], shape[3], [&](int64_t o, int64_t i, int64_t k, int64_t channel) {
        int64_t v = i >= 0 ? value(x, i) : pad.empty() ? 0 : pad[channel];
        expected[o] += uint32_t(int32_t(v * value(w, k)));
      });
      Tensor y = c.transposed ? deconvAccumulate(x, w, c.window, c.group)
                              : conv2dAccumulate(x, w, c.window, c.group, pad);
      ASSERT_EQ(y.shape(), shape);
      auto got = y.as<uint32_t>();
      for (size_t i = 0; i < expected.size(); ++i)
        ASSERT_EQ(got[i], expected[i]) << "element " << i;
    }
}

TEST(Conv2d, FloatWithinTheBoundOfPlainLoops) {
  std::mt19937 rng(2);
  for (const Case &c : cases())
    for (bool relu : {false, true})
      for (FloatPath path : {FloatPath::Fast, FloatPath::Plain}) {
        SCOPED_TRACE(name(c));
        Tensor x = random(DType::F32, {c.n, c.ic, c.h, c.w}, rng);
        Tensor w =
            random(DType::F32, {c.oc, c.ic / c.group, c.window.kernel[0], c.window.kernel[1]}, rng);
        Tensor bias = random(DType::F32, {c.oc}, rng);
        std::vector<double> pad;
        if (!c.transposed)
          for (int64_t i = 0; i < c.ic; ++i)
            pad.push_back(0.25 * double(i % 3));
        Shape shape = resultShape(c);
        std::vector<double> expected(elementCount(shape)), size(elementCount(shape));
        std::vector<int64_t> products(elementCount(shape));
        forProducts(c, shape[2], shape[3], [&](int64_t o, int64_t i, int64_t k, int64_t channel) {
          double p = double(i >= 0        ? x.as<float>()[i]
                            : pad.empty() ? 0
                                          : pad[channel]) *
                     double(w.as<float>()[k]);
          expected[o] += p;
          size[o] += std::abs(p);
          ++products[o];
        });
        Tensor y = c.transposed ? deconv(x, w, &bias, c.window, c.group, relu, path)
                                : conv2d(x, w, &bias, c.window, c.group, relu, pad, path);
        ASSERT_EQ(y.shape(), shape);
        auto got = y.as<float>();
        for (int64_t i = 0; i < y.count(); ++i) {
          double b = bias.as<float>()[i / (shape[2] * shape[3]) % c.oc];
          double want = expected[i] + b;
          // Any order of n + 1 rounded sums of rounded products: error below (n + 2) * 2^-24 of
          // their sizes.
          double bound = double(products[i] + 2) * std::ldexp(1.0, -24) * (size[i] + std::abs(b));
          ASSERT_NEAR(got[i], relu && want < 0 ? 0 : want, bound) << "element " << i;
        }
      }
}

TEST(Conv2d, FloatIsTheSameForAnyNumberOfThreads) {
  std::mt19937 rng(3);
  Window2d k{{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, {}};
  Tensor x = random(DType::F32, {1, 32, 120, 60}, rng), w = random(DType::F32, {32, 32, 3, 3}, rng);
  for (FloatPath path : {FloatPath::Fast, FloatPath::Plain}) {
    Tensor all = conv2d(x, w, nullptr, k, 1, false, {}, path);
    SerialScope one;
    Tensor alone = conv2d(x, w, nullptr, k, 1, false, {}, path);
    EXPECT_EQ(0, std::memcmp(all.bytes().data(), alone.bytes().data(), all.bytes().size()));
  }
}

TEST(Conv2d, AccumulatorsWrap) {
  // 4 * 36 * 4096 products of 255 * 255 pass 2^31 twice.
  Tensor x(DType::U8, {1, 16384, 6, 6}), w(DType::U8, {1, 16384, 6, 6});
  std::fill(x.bytes().begin(), x.bytes().end(), 255);
  std::fill(w.bytes().begin(), w.bytes().end(), 255);
  Tensor y = conv2dAccumulate(x, w, Window2d{{6, 6}, {1, 1}, {1, 1}, {0, 0, 0, 0}, {}});
  EXPECT_EQ(y.as<uint32_t>()[0], uint32_t(uint64_t(16384) * 36 * 255 * 255));
}

TEST(Conv2d, TailIsSaturatingBiasThenRequantize) {
  Tensor acc =
      Tensor::of<int32_t>({1, 2, 1, 3}, std::array<int32_t, 6>{2147483000, -3, 5, 7, -7, 100});
  Tensor bias = Tensor::of<int32_t>({2}, std::array<int32_t, 2>{10000, 0});
  std::array<int32_t, 2> m{1 << 20, 1}, r{44, 1};
  for (DType out : {DType::I8, DType::U8}) {
    Tensor y = requantizeAccumulators(acc, &bias, {m, r, out, numerics::Rounding::HalfUp});
    // Saturated at 2^31 - 1, not wrapped; then channel 1: halves round up, unsigned clamps at 0.
    EXPECT_EQ(value(y, 0), out == DType::I8 ? 127 : 128);
    EXPECT_EQ(value(y, 3), 4);
    EXPECT_EQ(value(y, 4), out == DType::I8 ? -3 : 0);
    EXPECT_EQ(value(y, 5), 50);
  }
  Tensor away =
      requantizeAccumulators(acc, nullptr, {m, r, DType::I8, numerics::Rounding::HalfAway});
  EXPECT_EQ(value(away, 4), -4);
}

TEST(Conv2d, WholeLayerEqualsItsParts) {
  std::mt19937 rng(4);
  for (const Case &c : cases()) {
    SCOPED_TRACE(name(c));
    Tensor x = random(DType::U8, {c.n, c.ic, c.h, c.w}, rng);
    Tensor w =
        random(DType::I8, {c.oc, c.ic / c.group, c.window.kernel[0], c.window.kernel[1]}, rng);
    Tensor bias(DType::I32, {c.oc});
    std::vector<int32_t> m, r;
    for (int64_t o = 0; o < c.oc; ++o) {
      bias.as<int32_t>()[o] = int32_t(rng() % 20001) - 10000;
      m.push_back(int32_t(1 << 30) + int32_t(rng() % (1 << 29)));
      r.push_back(36 + int32_t(rng() % 4));
    }
    Requantization q{m, r, DType::I8, numerics::Rounding::HalfUp};
    Tensor whole = c.transposed ? deconvInt(x, w, &bias, c.window, c.group, q)
                                : conv2dInt(x, w, &bias, c.window, c.group, {}, q);
    Tensor acc = c.transposed ? deconvAccumulate(x, w, c.window, c.group)
                              : conv2dAccumulate(x, w, c.window, c.group);
    Tensor parts = requantizeAccumulators(acc, &bias, q);
    EXPECT_EQ(0, std::memcmp(whole.bytes().data(), parts.bytes().data(), whole.bytes().size()));
  }
}

} // namespace
} // namespace tessera::interpret
