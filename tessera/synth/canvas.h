#pragma once
// A float colour canvas with exact-coverage polygons: every shape of a scene goes through here.
#include "tessera/image/image.h"

#include <cmath>
#include <functional>
#include <span>
#include <vector>

namespace tessera::synth {

struct Vec2 {
  double x = 0, y = 0;
};
/// Linear mixing of display values, 0..1 each; blue last here, turned on output.
struct Color {
  double r = 0, g = 0, b = 0;
  Color operator*(double k) const { return {r * k, g * k, b * k}; }
  Color operator+(const Color &o) const { return {r + o.r, g + o.g, b + o.b}; }
};
inline Color blend(const Color &a, const Color &b, double t) { return a * (1 - t) + b * t; }

using Polygon = std::vector<Vec2>;
/// Colour at a pixel's centre, in pixels.
using Shader = std::function<Color(double x, double y)>;

/// sin and cos by a polynomial after quarter-turn reduction, exact to 2e-9: libm's last bits differ
/// between systems, these do not.
double sine(double radians);
inline double cosine(double radians) { return sine(radians + 1.5707963267948966); }

/// The outline of an ellipse, counted finely enough for its size.
Polygon ellipse(Vec2 centre, double rx, double ry, double turn = 0);
Polygon rectangle(double x0, double y0, double x1, double y1);
/// A stroke from a to b of the given width.
Polygon stroke(Vec2 a, Vec2 b, double width);
/// The convex hull, counter-clockwise in a y-down picture or not: only the area matters.
Polygon hull(std::vector<Vec2> points);

class Canvas {
public:
  Canvas(int width, int height);
  int width() const { return width_; }
  int height() const { return height_; }
  /// Covers everything.
  void paint(const Shader &shader);
  /// Even-odd polygon; each pixel mixed by covered share * alpha.
  void fill(const Polygon &polygon, const Shader &shader, double alpha = 1);
  void fill(const Polygon &polygon, const Color &color, double alpha = 1) {
    fill(polygon, [color](double, double) { return color; }, alpha);
  }
  /// Box blur of the given radius in pixels over the rectangle (twice: nearly a tent).
  void blur(double radius);
  Color &at(int x, int y) { return pixels_[size_t(y) * width_ + x]; }
  Image toImage(uint64_t grainKey, double grain) const;

private:
  int width_, height_;
  std::vector<Color> pixels_;
};

/// Sets the pixels whose centre lies inside the polygon.
void fillMask(Mask &mask, const Polygon &polygon);

} // namespace tessera::synth
