#include "tessera/debug/show.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace tessera::debug {
namespace {

constexpr int64_t kEnds = 4; ///< values shown of each end of a long axis

std::string number(double v, bool isFloat) {
  return isFloat ? fmt::format("{:>11.6g}", v) : fmt::format("{:>6}", int64_t(v));
}

void rows(std::string &out, std::span<const double> v, const Shape &shape, size_t axis,
          bool isFloat, size_t indent) {
  int64_t count = shape[axis], inner = int64_t(v.size()) / std::max<int64_t>(count, 1);
  bool last = axis + 1 == shape.size();
  int64_t ends = last ? 2 * kEnds : axis + 2 == shape.size() ? kEnds : 2;
  out += "[";
  for (int64_t i = 0; i < count; ++i) {
    if (count > 2 * ends && i == ends) {
      out += last ? " ..." : "\n" + std::string(indent + 1, ' ') + "...";
      i = count - ends;
    }
    if (last) {
      out += number(v[size_t(i)], isFloat);
      continue;
    }
    if (i > 0)
      out += "\n" + std::string(indent + 1, ' ');
    rows(out, v.subspan(size_t(i * inner), size_t(inner)), shape, axis + 1, isFloat, indent + 1);
  }
  out += "]";
}

} // namespace

std::string arrayText(const Tensor &t) {
  Tensor wide = t.converted(DType::F64);
  std::span<const double> v = wide.as<double>();
  double low = INFINITY, high = -INFINITY, sum = 0;
  int64_t nans = 0;
  for (double x : v) {
    if (std::isnan(x)) {
      ++nans;
      continue;
    }
    low = std::min(low, x);
    high = std::max(high, x);
    sum += x;
  }
  std::string s = fmt::format("{} {}", dtypeName(t.dtype()),
                              t.rank() ? shapeText(t.shape()) : std::string("scalar"));
  if (int64_t(v.size()) > nans)
    s +=
        fmt::format(", {:g} to {:g}, mean {:g}", low, high, sum / double(int64_t(v.size()) - nans));
  if (nans)
    s += fmt::format(", {} NaN", nans);
  s += "\n";
  if (t.rank() == 0)
    return s + number(v[0], dtypeIsFloat(t.dtype()));
  rows(s, v, t.shape(), 0, dtypeIsFloat(t.dtype()), 0);
  return s;
}

Result<Image> pictureOf(const Tensor &t) {
  int64_t rank = int64_t(t.rank());
  auto dim = [&](int64_t behind) { return rank >= behind ? t.shape()[size_t(rank - behind)] : 1; };
  int64_t w = dim(1), h = dim(2), c = dim(3);
  int64_t across =
      int64_t(std::ceil(std::sqrt(double(c) * double(h) / double(std::max<int64_t>(w, 1)))));
  across = std::clamp<int64_t>(across, 1, c);
  int64_t down = (c + across - 1) / across, gap = c > 1 ? 1 : 0;
  int64_t width = across * (w + gap) - gap, height = down * (h + gap) - gap;
  if (width < 1 || height < 1 || width > 16384 || height > 16384)
    return fail("bad-shape", "picture",
                fmt::format("{} makes {} x {} pixels", shapeText(t.shape()), width, height),
                "give a part, e.g. NAME[0,0:16,:,:]");
  Tensor wide = t.converted(DType::F64);
  std::span<const double> v = wide.as<double>().first(size_t(c * h * w));
  double low = INFINITY, high = -INFINITY;
  for (double x : v)
    if (std::isfinite(x)) {
      low = std::min(low, x);
      high = std::max(high, x);
    }
  double scale = high > low ? 255 / (high - low) : 0;
  Image image{int(width), int(height)};
  for (int64_t k = 0; k < width * height; ++k) // gaps between the tiles
    image.pixels[size_t(3 * k)] = 64;
  for (int64_t k = 0; k < c; ++k)
    for (int64_t y = 0; y < h; ++y)
      for (int64_t x = 0; x < w; ++x) {
        double value = v[size_t((k * h + y) * w + x)];
        uint8_t *p = image.at(int(k % across * (w + gap) + x), int(k / across * (h + gap) + y));
        if (std::isnan(value)) {
          p[0] = p[1] = 0;
          p[2] = 255;
          continue;
        }
        double grey = scale > 0 ? std::clamp((value - low) * scale, 0.0, 255.0) : 128;
        p[0] = p[1] = p[2] = uint8_t(grey + 0.5);
      }
  return image;
}

Result<Tensor> sliced(const Tensor &t, const std::string &indices) {
  if (indices.empty())
    return t;
  auto bad = [&](const std::string &why) {
    return fail("bad-index", indices, why,
                fmt::format("the tensor is {}; write e.g. [0,3,10:20,:]", shapeText(t.shape())));
  };
  if (indices.front() != '[' || indices.back() != ']')
    return bad("no brackets around the indices");
  std::vector<std::pair<int64_t, int64_t>> ranges;
  Shape kept;
  size_t at = 1;
  while (at < indices.size()) {
    size_t end = indices.find_first_of(",]", at);
    std::string word = indices.substr(at, end - at);
    std::erase(word, ' ');
    size_t axis = ranges.size();
    if (axis >= t.rank())
      return bad("too many axes");
    int64_t size = t.dim(axis);
    auto parse = [&](const std::string &s, int64_t fallback) -> std::optional<int64_t> {
      if (s.empty())
        return fallback;
      if (s.size() > 10 || s.find_first_not_of("0123456789") != s.npos)
        return std::nullopt;
      return std::stoll(s);
    };
    size_t colon = word.find(':');
    auto from = parse(word.substr(0, colon), 0);
    auto to = colon == word.npos ? (word.empty() ? std::nullopt : from)
                                 : parse(word.substr(colon + 1), size);
    if (!from || !to)
      return bad(fmt::format("'{}' is no index", word));
    if (colon == word.npos)
      ++*to;
    if (*from >= *to || *to > size)
      return bad(fmt::format("'{}' leaves axis {} of {}", word, axis, size));
    ranges.push_back({*from, *to});
    if (colon != word.npos)
      kept.push_back(*to - *from);
    at = end + 1;
  }
  while (ranges.size() < t.rank()) {
    kept.push_back(t.dim(ranges.size()));
    ranges.push_back({0, kept.back()});
  }
  Tensor out(t.dtype(), kept);
  int64_t size = dtypeSize(t.dtype());
  std::vector<int64_t> index;
  for (auto &r : ranges)
    index.push_back(r.first);
  for (int64_t k = 0; k < out.count(); ++k) {
    int64_t flat = 0;
    for (size_t a = 0; a < index.size(); ++a)
      flat = flat * t.dim(a) + index[a];
    std::memcpy(out.bytes().data() + k * size, t.bytes().data() + flat * size, size_t(size));
    for (size_t a = index.size(); a-- > 0;) {
      if (++index[a] < ranges[a].second)
        break;
      index[a] = ranges[a].first;
    }
  }
  return out;
}

} // namespace tessera::debug
