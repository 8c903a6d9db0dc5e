#include "networks.h"

#include <cmath>
#include <fmt/format.h>
#include <set>

namespace tessera::conformance {

using namespace schedule;

int32_t Builder::layer(std::string type, std::vector<int32_t> inputs, Op op, Shape shape,
                       DType dtype, double scale) {
  int64_t number = int64_t(net_.layers.size());
  int32_t t = net_.addTensor({fmt::format("t{}_{}", number, type), std::move(shape), dtype, scale});
  net_.layers.push_back({std::move(type), number, std::move(inputs), t, std::move(op)});
  return t;
}

Tensor Builder::weights(DType type, const Shape &shape) {
  if (dtypeIsFloat(type)) {
    Tensor t(DType::F32, shape);
    double size = std::sqrt(double(elementCount(shape)) / double(shape[0]));
    for (float &v : t.as<float>())
      v = float((double(random_() % 20001) - 10000) / 6000 / size);
    return t.converted(type);
  }
  Tensor t(type, shape);
  for (uint8_t &b : t.bytes())
    b = uint8_t(random_() >> 9);
  return t;
}

void Builder::tail(int64_t oc, int64_t terms, bool bias, Tensor &biasOut,
                   std::vector<int32_t> &multiplier, std::vector<int32_t> &rshift) {
  // Sums of random products spread by sqrt(terms) * 127 * 74: bring them into int8 with some
  // saturation.
  double spread = std::sqrt(double(terms)) * 127 * 74;
  if (bias) {
    biasOut = Tensor(DType::I32, {oc});
    for (int32_t &b : biasOut.as<int32_t>())
      b = int32_t((int64_t(random_() % 2001) - 1000) * int64_t(spread) / 1000);
  }
  for (int64_t o = 0; o < oc; ++o) {
    int32_t shift = int32_t(between(18, 30));
    multiplier.push_back(
        int32_t(std::ldexp(90.0 / spread * (0.5 + double(random_() % 1000) / 1000), shift)));
    rshift.push_back(shift);
  }
}

int32_t Builder::input(const Shape &shape, DType dtype, double scale) {
  int32_t t = net_.addTensor({fmt::format("input{}", net_.inputs.size()), shape, dtype, scale});
  net_.inputs.push_back(t);
  return t;
}

int32_t Builder::conv(int32_t x, int64_t oc, const Window2d &w, DType out, bool bias, int64_t group,
                      std::vector<int32_t> padValue, DType filterType) {
  const Shape in = tensor(x).shape;
  Conv2D c;
  if (dtypeIsFloat(out)) {
    c.filter = weights(out, {oc, in[1] / group, w.kernel[0], w.kernel[1]});
    c.window = w;
    c.group = group;
    c.padValue = std::move(padValue);
    if (bias)
      c.bias = weights(DType::F32, {oc});
    c.relu = random_() % 2 != 0;
    return layer("Conv2D", {x}, std::move(c),
                 {in[0], oc, w.outputSize(0, in[2]), w.outputSize(1, in[3])}, out, 0);
  }
  c.filter = weights(filterType, {oc, in[1] / group, w.kernel[0], w.kernel[1]});
  c.window = w;
  c.group = group;
  c.padValue = std::move(padValue);
  tail(oc, in[1] / group * w.kernel[0] * w.kernel[1], bias, c.bias, c.multiplier, c.rshift);
  return layer("Conv2D", {x}, std::move(c),
               {in[0], oc, w.outputSize(0, in[2]), w.outputSize(1, in[3])}, out, 1);
}

int32_t Builder::deconv(int32_t x, int64_t oc, const Window2d &w, DType out, bool bias,
                        int64_t group) {
  const Shape in = tensor(x).shape;
  Deconv d;
  if (dtypeIsFloat(out)) {
    d.filter = weights(out, {oc, in[1] / group, w.kernel[0], w.kernel[1]});
    d.window = w;
    d.group = group;
    if (bias)
      d.bias = weights(DType::F32, {oc});
    d.relu = random_() % 2 != 0;
    return layer("Deconv", {x}, std::move(d),
                 {in[0], oc, w.transposedOutputSize(0, in[2]), w.transposedOutputSize(1, in[3])},
                 out, 0);
  }
  d.filter = weights(DType::I8, {oc, in[1] / group, w.kernel[0], w.kernel[1]});
  d.window = w;
  d.group = group;
  tail(oc, in[1] / group * w.kernel[0] * w.kernel[1], bias, d.bias, d.multiplier, d.rshift);
  return layer("Deconv", {x}, std::move(d),
               {in[0], oc, w.transposedOutputSize(0, in[2]), w.transposedOutputSize(1, in[3])}, out,
               1);
}

int32_t Builder::upConv(int32_t x, int32_t skip, int64_t oc, DType out, bool bias, bool border) {
  const Shape in = tensor(x).shape, side = tensor(skip).shape;
  UpConv u;
  if (dtypeIsFloat(out)) {
    u.low = weights(out, {4, oc, in[1], 2, 2});
    u.skip = weights(out, {oc, side[1], 3, 3});
    if (bias)
      u.bias = weights(DType::F32, {oc, 4, 4});
    for (size_t i = 0; bias && !border && i < size_t(oc) * 16; ++i)
      u.bias.as<float>()[i] = u.bias.as<float>()[i / 16 * 16];
    u.relu = random_() % 2 != 0;
    return layer("UpConv", {x, skip}, std::move(u), {in[0], oc, side[2], side[3]}, out, 0);
  }
  u.low = weights(DType::I8, {4, oc, in[1], 2, 2});
  u.skip = weights(DType::I8, {oc, side[1], 3, 3});
  Tensor inside;
  tail(oc, in[1] * 4 + side[1] * 9, bias, inside, u.multiplier, u.rshift);
  if (bias) {
    u.bias = Tensor(DType::I32, {oc, 4, 4});
    auto b = u.bias.as<int32_t>();
    for (size_t i = 0; i < b.size(); ++i)
      b[i] = inside.as<int32_t>()[i / 16] * (border ? 1 + int32_t(i % 16) : 16) / 16;
  }
  return layer("UpConv", {x, skip}, std::move(u), {in[0], oc, side[2], side[3]}, out, 1);
}

int32_t Builder::maxPool(int32_t x, const Window2d &w, bool ceil, bool relu) {
  const NetTensor in = tensor(x);
  return layer("Pool2D", {x}, MaxPool{w, relu},
               {in.shape[0], in.shape[1], w.pooledOutputSize(0, in.shape[2], ceil),
                w.pooledOutputSize(1, in.shape[3], ceil)},
               in.dtype, in.scale);
}
int32_t Builder::averagePool(int32_t x, const Window2d &w) {
  const NetTensor in = tensor(x);
  if (dtypeIsFloat(in.dtype))
    return layer(
        "Pool2D", {x}, AvgPool{w, 0, 0},
        {in.shape[0], in.shape[1], w.outputSize(0, in.shape[2]), w.outputSize(1, in.shape[3])},
        in.dtype, 0);
  double factor = (0.7 + double(random_() % 100) / 100) / double(w.kernel[0] * w.kernel[1]);
  int32_t shift = 7;
  while (std::ldexp(factor, shift + 1) < 255)
    ++shift;
  return layer(
      "Pool2D", {x}, AvgPool{w, int32_t(std::ldexp(factor, shift)), shift},
      {in.shape[0], in.shape[1], w.outputSize(0, in.shape[2]), w.outputSize(1, in.shape[3])},
      in.dtype, in.scale);
}
int32_t Builder::mul(int32_t a, int32_t b, Mul op, DType out) {
  return layer("Mul", {a, b}, op, Shape(tensor(a).shape), out, 1);
}
int32_t Builder::cast(int32_t x, DType to, double scale) {
  return layer("Cast", {x}, Cast{}, Shape(tensor(x).shape), to, scale);
}
int32_t Builder::mulShift(int32_t x, int32_t multiplier, int32_t rshift, DType out) {
  return layer("MulShift", {x}, MulShift{multiplier, rshift}, Shape(tensor(x).shape), out, 1);
}
int32_t Builder::pair(std::string type, int32_t a, int32_t b, Op op) {
  return layer(std::move(type), {a, b}, std::move(op), tensor(a).shape, tensor(a).dtype, 0);
}
int32_t Builder::where(int32_t condition, int32_t a, int32_t b) {
  return layer("Where", {condition, a, b}, Where{}, tensor(a).shape, tensor(a).dtype, 0);
}
int32_t Builder::add(int32_t a, int32_t b, Add op, DType out) {
  return layer("Add", {a, b}, op, Shape(tensor(a).shape), out, dtypeIsFloat(out) ? 0 : 1);
}
int32_t Builder::concat(const std::vector<int32_t> &xs, int64_t axis) {
  Shape s = tensor(xs[0]).shape;
  for (size_t i = 1; i < xs.size(); ++i)
    s[size_t(axis)] += tensor(xs[i]).shape[size_t(axis)];
  return layer("Concat", xs, Concat{axis}, s, tensor(xs[0]).dtype, tensor(xs[0]).scale);
}
int32_t Builder::pad(int32_t x, const std::vector<int64_t> &paddings, double value) {
  Shape s = tensor(x).shape;
  for (size_t a = 0; a < s.size(); ++a)
    s[a] += paddings[a] + paddings[a + s.size()];
  return layer("Pad", {x}, Pad{paddings, value}, s, tensor(x).dtype, tensor(x).scale);
}
int32_t Builder::slice(int32_t x, const std::vector<int64_t> &offset,
                       const std::vector<int64_t> &steps, const Shape &sizes) {
  return layer("Slice", {x}, Slice{offset, steps}, sizes, tensor(x).dtype, tensor(x).scale);
}
int32_t Builder::permute(int32_t x, const std::vector<int64_t> &order) {
  const NetTensor in = tensor(x);
  Shape shape;
  for (int64_t a : order)
    shape.push_back(in.shape[size_t(a)]);
  return layer("Permute", {x}, Permute{order}, shape, in.dtype, in.scale);
}
int32_t Builder::interp(int32_t x, std::vector<int64_t> rows, std::vector<int64_t> columns) {
  Shape s = tensor(x).shape;
  s[2] = int64_t(rows.size());
  s[3] = int64_t(columns.size());
  return layer("Interp", {x}, Interp{std::move(rows), std::move(columns)}, s, tensor(x).dtype,
               tensor(x).scale);
}
int32_t Builder::blend(int32_t x, Blend how) {
  Shape s = tensor(x).shape;
  s[2] = int64_t(how.rows.cells.size());
  s[3] = int64_t(how.columns.cells.size());
  return layer("Interp", {x}, std::move(how), s, tensor(x).dtype, tensor(x).scale);
}
int32_t Builder::reshape(int32_t x, const Shape &shape) {
  return layer("Reshape", {x}, Reshape{}, shape, tensor(x).dtype, tensor(x).scale);
}
int32_t Builder::simple(int32_t x, std::string type, Op op, DType out, Shape shape) {
  return layer(std::move(type), {x}, std::move(op), shape.empty() ? Shape(tensor(x).shape) : shape,
               out, 1);
}

Network unet(int64_t width, int64_t h, int64_t w, uint32_t seed, bool composed) {
  Builder b(fmt::format("unet{}_{}x{}{}", width, w, h, composed ? "_composed" : ""), seed);
  Window2d same{{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, {0, 0}};
  Window2d half{{2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}, {0, 0}};
  auto twice = [&](int32_t x, int64_t c) {
    return b.conv(b.conv(x, c, same, DType::U8), c, same, DType::U8);
  };
  int32_t x = b.cast(b.input({1, 3, h, w}), DType::U8, 1 / 255.0);
  std::vector<int32_t> skips;
  for (int level = 0; level < 4; ++level) {
    x = twice(x, width << level);
    skips.push_back(x);
    x = b.maxPool(x, half);
  }
  x = twice(x, width << 4);
  for (int level = 3; level >= 0; --level) {
    int64_t c = width << level;
    if (composed) {
      x = b.conv(b.upConv(x, skips[size_t(level)], c, DType::U8), c, same, DType::U8);
      continue;
    }
    x = b.deconv(x, c, half, DType::I8);
    const Shape skip = b.tensor(skips[size_t(level)]).shape, up = b.tensor(x).shape;
    int64_t dy = skip[2] - up[2], dx = skip[3] - up[3];
    if (dy || dx)
      x = b.pad(x, {0, 0, dy / 2, dx / 2, 0, 0, dy - dy / 2, dx - dx / 2});
    int32_t s = b.mulShift(skips[size_t(level)], 77, 7, DType::I8);
    x = twice(b.concat({s, x}), c); // written with the Concat's scale
  }
  x = b.conv(x, 2, Window2d{}, DType::I8);
  b.output(b.cast(x, DType::F32, 0));
  Network net = b.take();
  net.tensors[size_t(net.layers.back().inputs[0])].scale = 0.1;
  return net;
}

Network residual(int64_t width, int64_t h, int64_t w, uint32_t seed) {
  Builder b(fmt::format("residual{}_{}x{}", width, w, h), seed);
  Window2d same{{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, {0, 0}};
  Window2d down{{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, {0, 0}};
  Window2d shortcut{{1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}, {0, 0}};
  Window2d up{{3, 3}, {2, 2}, {1, 1}, {0, 0, 0, 0}, {1, 1}};
  int32_t image = b.cast(b.input({1, 3, h, w}), DType::I8, 1 / 100.0);
  std::vector<int32_t> skips;
  int32_t x = image;
  for (int level = 0; level < 3; ++level) {
    int64_t c = width << level;
    int32_t main = b.conv(b.conv(x, c, same, DType::U8), c, down, DType::U8);
    x = b.add(main, b.conv(x, c, shortcut, DType::U8), {{61, 53}, {6, 6}}, DType::U8);
    skips.push_back(x);
  }
  for (int level = 2; level >= 0; --level) {
    int64_t c = width << level;
    x = b.deconv(x, c, up, DType::U8);
    const Shape s = b.tensor(x).shape,
                target = level ? b.tensor(skips[size_t(level - 1)]).shape : Shape{1, c, h, w};
    x = b.slice(x, {0, 0, 0, 0}, {1, 1, 1, 1}, {1, c, target[2], target[3]});
    if (level > 0)
      x = b.concat(
          {b.mulShift(x, 9, 4, DType::U8), b.mulShift(skips[size_t(level - 1)], 69, 6, DType::U8)});
    else
      x = b.concat({b.mulShift(x, 100, 7, DType::I8), image});
    x = b.conv(x, c, same, DType::U8);
  }
  x = b.conv(x, 1, Window2d{}, DType::I8);
  b.output(b.cast(x, DType::F32, 0));
  Network net = b.take();
  net.tensors[size_t(net.layers.back().inputs[0])].scale = 0.25;
  return net;
}

Network anyNetwork(int layers, uint32_t seed, const std::vector<DType> &types) {
  Builder b(fmt::format("any{}", seed), seed);
  const Shape size{b.between(1, 2), b.between(1, 70), b.between(6, 50), b.between(6, 60)};
  std::vector<int32_t> all{types == std::vector{DType::I8} ? b.input(size, b.i8OrU8(), 1)
                                                           : b.input(size)};
  /// As a tensor of `type`, where any integer will do for I8.
  auto typed = [&](int32_t t, DType type) {
    DType from = b.tensor(t).dtype;
    bool both = !dtypeIsFloat(from) && !dtypeIsFloat(type);
    if (from == type || both)
      return t;
    if (from != DType::F32 && type != DType::F32)
      t = b.cast(t, DType::F32, 0);
    return dtypeIsFloat(type) ? b.cast(t, type, 0) : b.cast(t, b.i8OrU8(), 1);
  };
  std::set<int32_t> read;
  /// One of those that fit: the newest, mostly.
  auto pick = [&](auto fits) {
    std::vector<int32_t> list;
    std::copy_if(all.rbegin(), all.rend(), std::back_inserter(list), fits);
    return list.empty() ? -1 : list[b.between(0, 2) ? 0 : size_t(b.random()() % list.size())];
  };
  auto anyOf = [](int32_t) { return true; };
  for (int made = 0; made < layers;) {
    int32_t x = pick(anyOf), y = -1, other = -1;
    const Shape in = b.tensor(x).shape;
    DType type = types[b.random()() % types.size()];
    bool floats = dtypeIsFloat(type);
    read.insert(x);
    x = typed(x, type);
    if (!floats)
      type = b.i8OrU8();
    int64_t k = 2 * b.between(0, 1) + 1, d = b.between(1, 2), pad = d * (k / 2),
            s = b.between(0, 3) ? 1 : 2;
    Window2d window{{k, k}, {s, s}, {d, d}, {pad, pad, pad, pad}, {0, 0}};
    bool small = in[2] * in[3] < 4096, grows = small && in[1] <= 96;
    switch (b.between(0, 10)) {
    case 0:
    case 1:
    case 2:
      y = b.conv(x, b.between(0, 2) ? b.between(1, 80) : 32 * b.between(1, 2), window, type,
                 b.between(0, 3) > 0);
      break;
    case 3: // depthwise
      y = b.conv(x, in[1], window, type, true, in[1]);
      break;
    case 4:
    case 5:
      other = pick([&](int32_t t) { return t != x && b.tensor(t).shape == in; });
      if (other < 0)
        break;
      if (int32_t o = typed(other, b.tensor(x).dtype); !floats || b.between(0, 1)) {
        y = b.add(x, o, {{61, 53}, {6, 6}}, type);
      } else if (b.between(0, 1)) {
        y = b.pair("Sub", x, o, Sub{});
      } else { // of small numbers, so that halves hold the product
        auto clipped = [&](int32_t t) { return b.simple(t, "Clip", Clip{-2, 3}, type); };
        y = b.pair("Mul", clipped(x), clipped(o), Mul{});
      }
      break;
    case 6:
      if (in[2] > 3 && in[3] > 3)
        y = b.maxPool(x, {{2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}, {0, 0}}, b.between(0, 1));
      break;
    case 7:
      if (grows && b.between(0, 1)) {
        y = b.deconv(x, b.between(1, 40), {{2, 2}, {2, 2}, {1, 1}, {0, 0, 0, 0}, {0, 0}}, type);
      } else if (grows) {
        Window2d up{{3, b.between(2, 4)}, {b.between(1, 3), 2}, {1, b.between(1, 2)}, {1, 1, 1, 0}};
        up.outputPadding = {up.strides[0] > 1, b.between(0, 1)};
        if (b.between(0, 2) == 0)
          x = b.pad(x, {0, 0, 1, 0, 0, 0, 0, 2});
        y = b.deconv(x, b.between(1, 40), up, type);
      }
      break;
    case 8:
      y = b.between(0, 1) ? b.simple(x, "Relu", Relu{}, floats ? type : DType::U8)
          : floats        ? b.simple(x, "LeakyRelu", LeakyRelu{.alpha = 0.125}, type)
                          : b.mulShift(x, 77, 7, type);
      break;
    case 9:
      other = pick([&](int32_t t) { // a skip tensor
        const Shape &o = b.tensor(t).shape;
        return o[2] / 2 == in[2] && o[3] / 2 == in[3];
      });
      if (other >= 0)
        y = b.upConv(x, typed(other, b.tensor(x).dtype), b.between(1, 80), type,
                     b.between(0, 3) > 0, b.between(0, 1));
      break;
    default: // concatenated, the smaller one padded
      other = pick([&](int32_t t) {
        const NetTensor &o = b.tensor(t);
        return t != x && o.dtype == b.tensor(x).dtype && o.shape[2] <= in[2] &&
               o.shape[3] <= in[3] && o.shape[2] + 8 > in[2] && o.shape[3] + 8 > in[3];
      });
      if (other < 0 || !grows)
        break;
      read.insert(other);
      if (const Shape o = b.tensor(other).shape; o[2] != in[2] || o[3] != in[3]) {
        int64_t dy = in[2] - o[2], dx = in[3] - o[3];
        other = b.pad(other, {0, 0, dy / 2, dx / 2, 0, 0, dy - dy / 2, dx - dx / 2});
      }
      y = b.concat({x, other});
    }
    if (y < 0)
      continue;
    ++made;
    read.insert(other);
    all.push_back(y);
  }
  for (int32_t t : all)
    if (t != all[0] && (!read.count(t) || b.between(0, 7) == 0))
      b.output(dtypeSize(b.tensor(t).dtype) == 2 ? b.cast(t, DType::F32, 0) : t);
  return b.take();
}

} // namespace tessera::conformance
