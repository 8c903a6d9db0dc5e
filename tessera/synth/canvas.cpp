#include "tessera/synth/canvas.h"

#include "tessera/synth/random.h"

#include <algorithm>

namespace tessera::synth {
namespace {

constexpr int kSubRows = 4;

/// The x of every edge crossing the horizontal line y, sorted. Half-open in y, so that a vertex
/// counts once.
void crossings(const Polygon &p, double y, std::vector<double> &out) {
  out.clear();
  for (size_t i = 0; i < p.size(); ++i) {
    Vec2 a = p[i], b = p[(i + 1) % p.size()];
    if ((a.y <= y) == (b.y <= y))
      continue;
    if (b.y < a.y)
      std::swap(a, b); // the same edge must give the same x in both polygons that share it
    out.push_back(a.x + (b.x - a.x) * ((y - a.y) / (b.y - a.y)));
  }
  std::sort(out.begin(), out.end());
}

struct Rows {
  int first, last; ///< first > last: nothing
};
Rows rowsOf(const Polygon &p, int height) {
  double lo = 1e30, hi = -1e30;
  for (const Vec2 &v : p) {
    lo = std::min(lo, v.y);
    hi = std::max(hi, v.y);
  }
  if (!(lo < height) || !(hi > 0))
    return {0, -1};
  return {int(std::max(0.0, std::floor(lo))), int(std::min(height - 1.0, std::floor(hi)))};
}

} // namespace

double sine(double x) {
  constexpr double kQuarter = 1.5707963267948966;
  double turns = std::floor(x / kQuarter + 0.5);
  double r = x - turns * kQuarter, r2 = r * r;
  double s =
      r * (1 + r2 * (-1.0 / 6 + r2 * (1.0 / 120 + r2 * (-1.0 / 5040 + r2 * (1.0 / 362880)))));
  double c =
      1 + r2 * (-0.5 + r2 * (1.0 / 24 + r2 * (-1.0 / 720 + r2 * (1.0 / 40320 - r2 / 3628800))));
  switch (int64_t(turns) & 3) {
  case 0:
    return s;
  case 1:
    return c;
  case 2:
    return -s;
  default:
    return -c;
  }
}

Polygon ellipse(Vec2 centre, double rx, double ry, double turn) {
  int n = std::clamp(int(std::sqrt(std::max(rx, ry)) * 8), 12, 256);
  Polygon p(n);
  double ct = cosine(turn), st = sine(turn);
  for (int i = 0; i < n; ++i) {
    double a = 6.283185307179586 * i / n, x = rx * cosine(a), y = ry * sine(a);
    p[i] = {centre.x + x * ct - y * st, centre.y + x * st + y * ct};
  }
  return p;
}

Polygon rectangle(double x0, double y0, double x1, double y1) {
  return {{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}};
}

Polygon stroke(Vec2 a, Vec2 b, double width) {
  double dx = b.x - a.x, dy = b.y - a.y, length = std::sqrt(dx * dx + dy * dy);
  if (length <= 0)
    return {};
  double nx = -dy / length * width / 2, ny = dx / length * width / 2;
  return {{a.x + nx, a.y + ny}, {b.x + nx, b.y + ny}, {b.x - nx, b.y - ny}, {a.x - nx, a.y - ny}};
}

Polygon hull(std::vector<Vec2> p) {
  std::sort(p.begin(), p.end(),
            [](const Vec2 &a, const Vec2 &b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  if (p.size() < 3)
    return p;
  auto left = [](const Vec2 &o, const Vec2 &a, const Vec2 &b) {
    return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x) <= 0;
  };
  Polygon h(2 * p.size());
  size_t k = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    while (k >= 2 && left(h[k - 2], h[k - 1], p[i]))
      --k;
    h[k++] = p[i];
  }
  for (size_t i = p.size() - 1, floor = k + 1; i-- > 0;) {
    while (k >= floor && left(h[k - 2], h[k - 1], p[i]))
      --k;
    h[k++] = p[i];
  }
  h.resize(k - 1);
  return h;
}

Canvas::Canvas(int width, int height)
    : width_(width), height_(height), pixels_(size_t(width) * size_t(height)) {}

void Canvas::paint(const Shader &shader) {
  for (int y = 0; y < height_; ++y)
    for (int x = 0; x < width_; ++x)
      at(x, y) = shader(x + 0.5, y + 0.5);
}

void Canvas::fill(const Polygon &polygon, const Shader &shader, double alpha) {
  if (polygon.size() < 3)
    return;
  Rows rows = rowsOf(polygon, height_);
  std::vector<double> cuts, cover(size_t(width_), 0.0);
  for (int y = rows.first; y <= rows.last; ++y) {
    int lo = width_, hi = -1;
    for (int sub = 0; sub < kSubRows; ++sub) {
      crossings(polygon, y + (sub + 0.5) / kSubRows, cuts);
      for (size_t i = 0; i + 1 < cuts.size(); i += 2) {
        double a = std::clamp(cuts[i], 0.0, double(width_));
        double b = std::clamp(cuts[i + 1], 0.0, double(width_));
        if (b <= a)
          continue;
        int first = int(a), last = std::min(int(b), width_ - 1);
        lo = std::min(lo, first);
        hi = std::max(hi, last);
        for (int x = first; x <= last; ++x)
          cover[x] += std::min(b, x + 1.0) - std::max(a, double(x));
      }
    }
    for (int x = lo; x <= hi; ++x) {
      double share = cover[x] * (alpha / kSubRows);
      cover[x] = 0;
      if (share > 0)
        at(x, y) = blend(at(x, y), shader(x + 0.5, y + 0.5), std::min(share, 1.0));
    }
  }
}

void Canvas::blur(double radius) {
  if (radius <= 0)
    return;
  // A box of fractional width: whole neighbours count once, the two outermost by their share.
  int whole = int(radius);
  double rest = radius - whole, norm = 1 / (2 * radius + 1);
  std::vector<Color> line(size_t(std::max(width_, height_)));
  auto pass = [&](Color *first, int n, int step) {
    for (int i = 0; i < n; ++i)
      line[i] = first[size_t(i) * step];
    auto value = [&](int i) { return line[std::clamp(i, 0, n - 1)]; };
    for (int i = 0; i < n; ++i) {
      Color sum = (value(i - whole - 1) + value(i + whole + 1)) * rest;
      for (int k = -whole; k <= whole; ++k)
        sum = sum + value(i + k);
      first[size_t(i) * step] = sum * norm;
    }
  };
  for (int y = 0; y < height_; ++y)
    pass(&at(0, y), width_, 1);
  for (int x = 0; x < width_; ++x)
    pass(&at(x, 0), height_, width_);
}

Image Canvas::toImage(uint64_t grainKey, double grain) const {
  Image image(width_, height_);
  auto byte = [](double v) { return uint8_t(std::clamp(v * 255 + 0.5, 0.0, 255.0)); };
  for (int y = 0; y < height_; ++y)
    for (int x = 0; x < width_; ++x) {
      const Color &c = pixels_[size_t(y) * width_ + x];
      uint64_t bits = mix(grainKey + (uint64_t(uint32_t(y)) << 32 | uint32_t(x)));
      // Sum of two uniforms: a triangle, close enough to a sensor's noise. Shared part plus a
      // colour part.
      auto noise = [&](int part) {
        return (double(bits >> (part * 16) & 0xFF) + double(bits >> (part * 16 + 8) & 0xFF) - 255) /
               255 * grain;
      };
      double all = noise(0);
      uint8_t *p = image.at(x, y);
      p[0] = byte(c.b + all + noise(1) * 0.5);
      p[1] = byte(c.g + all + noise(2) * 0.5);
      p[2] = byte(c.r + all + noise(3) * 0.5);
    }
  return image;
}

void fillMask(Mask &mask, const Polygon &polygon) {
  if (polygon.size() < 3)
    return;
  Rows rows = rowsOf(polygon, mask.height);
  std::vector<double> cuts;
  for (int y = rows.first; y <= rows.last; ++y) {
    crossings(polygon, y + 0.5, cuts);
    for (size_t i = 0; i + 1 < cuts.size(); i += 2) {
      // Pixels with a <= x + 0.5 < b.
      double a = std::clamp(std::ceil(cuts[i] - 0.5), 0.0, double(mask.width));
      double b = std::clamp(std::ceil(cuts[i + 1] - 0.5), 0.0, double(mask.width));
      for (int x = int(a); x < int(b); ++x)
        mask.at(x, y) = 1;
    }
  }
}

} // namespace tessera::synth
