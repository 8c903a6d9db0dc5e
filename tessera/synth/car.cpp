#include "tessera/synth/car.h"

#include <algorithm>
#include <array>

namespace tessera::synth {
namespace {

constexpr double kPi = 3.141592653589793;
constexpr double kTargetZ = 0.6;

double dot(const Vec3 &a, const Vec3 &b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
Vec3 cross(const Vec3 &a, const Vec3 &b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}
Vec3 normalized(const Vec3 &v) {
  double l = std::sqrt(dot(v, v));
  return l > 0 ? v * (1 / l) : v;
}
Vec3 mid(const Vec3 &a, const Vec3 &b, double t) { return a * (1 - t) + b * t; }

struct Face {
  std::vector<Vec3> corners; ///< counter-clockwise from outside
  Color color;
  Vec3 normal() const {
    // From the diagonals, so that a degenerate first edge does no harm.
    size_t n = corners.size();
    return normalized(
        cross(corners[n / 2] - corners[0], corners[n - 1] - corners[n / 4 ? n / 4 : 1]));
  }
  Vec3 middle() const {
    Vec3 sum;
    for (const Vec3 &c : corners)
      sum = sum + c;
    return sum * (1.0 / double(corners.size()));
  }
};

/// Draws into canvas and mask alike, so that neither can be forgotten.
class Painter {
public:
  Painter(Canvas &canvas, Mask &mask, const Camera &camera, const Light &light)
      : canvas_(canvas), mask_(mask), camera_(camera), light_(light), eye_(camera.eye()) {}

  Polygon project(const std::vector<Vec3> &points) const {
    Polygon p;
    for (const Vec3 &v : points)
      p.push_back(camera_.project(v));
    return p;
  }
  bool faces(const Vec3 &point, const Vec3 &normal) const { return dot(eye_ - point, normal) > 0; }
  Color lit(const Color &c, const Vec3 &n) const {
    double k = light_.ambient + light_.diffuse * std::max(0.0, dot(n, light_.direction));
    return blend(c * k, light_.sky, 0.18 * std::max(0.0, n.z) * light_.gloss);
  }
  /// Part of the car's outline.
  void solid(const Polygon &p, const Shader &shader) {
    canvas_.fill(p, shader);
    fillMask(mask_, p);
  }
  void solid(const Polygon &p, const Color &c) {
    canvas_.fill(p, c);
    fillMask(mask_, p);
  }
  /// A mark on a face already drawn: the outline stays.
  void mark(const std::vector<Vec3> &corners, const Color &c, double alpha = 1) {
    canvas_.fill(project(corners), c, alpha);
  }
  void mark(const Polygon &p, const Shader &s) { canvas_.fill(p, s); }

  void faces(std::vector<Face> faces) {
    std::erase_if(faces, [&](const Face &f) { return !this->faces(f.middle(), f.normal()); });
    std::stable_sort(faces.begin(), faces.end(), [&](const Face &a, const Face &b) {
      return camera_.depth(a.middle()) > camera_.depth(b.middle());
    });
    // Twice: one coverage pass would let the background shine through where two faces share an
    // edge.
    for (const Face &f : faces)
      canvas_.fill(project(f.corners), lit(f.color, f.normal()));
    for (const Face &f : faces)
      solid(project(f.corners), lit(f.color, f.normal()));
  }

  const Camera &camera() const { return camera_; }
  const Light &light() const { return light_; }

private:
  Canvas &canvas_;
  Mask &mask_;
  const Camera &camera_;
  const Light &light_;
  Vec3 eye_;
};

/// A circle (or an arc) in a plane of constant y.
std::vector<Vec3> disc(const Vec3 &centre, double radius, double from = 0, double to = 2 * kPi) {
  constexpr int kSteps = 48;
  bool full = to - from > 6.28;
  std::vector<Vec3> p;
  for (int i = 0; i < kSteps + (full ? 0 : 1); ++i) {
    double a = from + (to - from) * i / kSteps;
    p.push_back({centre.x + radius * cosine(a), centre.y, centre.z + radius * sine(a)});
  }
  return p;
}

/// Cross-section from low right over the top to low left (seen from the front: counter-clockwise).
std::array<Vec3, 6> ring(const Station &s) {
  double middle = s.low + (s.high - s.low) * 0.55;
  return {Vec3{s.x, -s.halfWidth * 0.93, s.low},  Vec3{s.x, -s.halfWidth, middle},
          Vec3{s.x, -s.halfWidth * 0.92, s.high}, Vec3{s.x, s.halfWidth * 0.92, s.high},
          Vec3{s.x, s.halfWidth, middle},         Vec3{s.x, s.halfWidth * 0.93, s.low}};
}

std::vector<Face> bodyFaces(const Car &car) {
  std::vector<Face> faces;
  Color lower = car.twoTone ? car.trim : car.paint * 0.9;
  for (size_t i = 0; i + 1 < car.body.size(); ++i) {
    auto a = ring(car.body[i]), b = ring(car.body[i + 1]);
    for (int k = 0; k < 5; ++k) // right low, right high, top, left high, left low
      faces.push_back({{a[k], b[k], b[k + 1], a[k + 1]}, k == 0 || k == 4 ? lower : car.paint});
  }
  auto rear = ring(car.body.front()), front = ring(car.body.back());
  // Seen from behind the ring runs the other way round.
  faces.push_back({{rear[0], rear[1], rear[2], rear[3], rear[4], rear[5]}, car.paint * 0.95});
  faces.push_back({{front[0], front[5], front[4], front[3], front[2], front[1]}, car.paint * 0.95});
  return faces;
}

struct CabinQuads {
  // Each: bottom first, then counter-clockwise from outside.
  std::array<Vec3, 4> right, left, front, rear, roof;
};
CabinQuads cabin(const Car &c) {
  double w = c.halfWidth * 0.92, t = c.roofHalfWidth;
  Vec3 br{c.cabinRear, -w, c.belt}, bl{c.cabinRear, w, c.belt};
  Vec3 fr{c.cabinFront, -w, c.belt}, fl{c.cabinFront, w, c.belt};
  Vec3 tbr{c.roofRear, -t, c.roof}, tbl{c.roofRear, t, c.roof};
  Vec3 tfr{c.roofFront, -t, c.roof}, tfl{c.roofFront, t, c.roof};
  return {{br, fr, tfr, tbr},
          {fl, bl, tbl, tfl},
          {fr, fl, tfl, tfr},
          {bl, br, tbr, tbl},
          {tbr, tfr, tfl, tbl}};
}

Vec3 onQuad(const std::array<Vec3, 4> &q, double u, double v) {
  return mid(mid(q[0], q[1], u), mid(q[3], q[2], u), v);
}
std::vector<Vec3> patch(const std::array<Vec3, 4> &q, double u0, double u1, double v0, double v1) {
  return {onQuad(q, u0, v0), onQuad(q, u1, v0), onQuad(q, u1, v1), onQuad(q, u0, v1)};
}
Vec3 quadNormal(const std::array<Vec3, 4> &q) {
  return normalized(cross(q[2] - q[0], q[3] - q[1]));
}

} // namespace

Vec2 Camera::project(const Vec3 &p) const {
  double ct = cosine(turn), st = sine(turn);
  double right = p.x * ct - p.y * st, away = p.x * st + p.y * ct;
  // Tilted so that the point looked at lies on the axis.
  double drop = height - kTargetZ, length = std::sqrt(distance * distance + drop * drop);
  double cp = distance / length, sp = drop / length;
  double forward = (away + distance) * cp - (p.z - height) * sp;
  double up = (away + distance) * sp + (p.z - height) * cp;
  forward = std::max(forward, 0.2);
  return {centre.x + zoom * right / forward, centre.y - zoom * up / forward};
}

double Camera::depth(const Vec3 &p) const {
  Vec3 d = p - eye();
  return dot(d, d);
}

Vec3 Camera::eye() const {
  // The viewer stands at right 0, away -distance.
  return {-distance * sine(turn), -distance * cosine(turn), height};
}

double Camera::horizon() const { return centre.y - zoom * (height - kTargetZ) / distance; }

Car Car::random(Random r) {
  Car c{};
  int kind = r.below(6); // hatchback, saloon, estate, off-roader, van, pick-up
  double length = r.uniform(3.8, 4.8), half = length / 2;
  double clear = kind == 3 || kind == 5 ? r.uniform(0.28, 0.4) : r.uniform(0.16, 0.26);
  c.halfWidth = r.uniform(0.82, 0.98);
  c.wheelRadius = clear + r.uniform(0.1, 0.15);
  c.belt = clear + r.uniform(0.62, 0.74) + (kind == 4 ? 0.1 : 0);
  static constexpr double kCabinHeight[6] = {0.56, 0.5, 0.54, 0.66, 0.92, 0.6};
  c.roof = c.belt + kCabinHeight[kind] * r.uniform(0.9, 1.12);
  c.roofHalfWidth = c.halfWidth * (kind == 4 ? r.uniform(0.84, 0.9) : r.uniform(0.68, 0.8));
  static constexpr double kRear[6] = {-0.93, -0.66, -0.94, -0.93, -0.97, -0.18};
  static constexpr double kRoofRear[6] = {-0.7, -0.3, -0.8, -0.84, -0.95, -0.12};
  static constexpr double kFront[6] = {0.48, 0.46, 0.48, 0.48, 0.74, 0.52};
  static constexpr double kRoofFront[6] = {0.12, 0.1, 0.12, 0.2, 0.45, 0.26};
  c.cabinRear = half * (kRear[kind] + r.uniform(-0.03, 0.03));
  c.roofRear = half * (kRoofRear[kind] + r.uniform(-0.02, 0.06));
  c.cabinFront = half * (kFront[kind] + r.uniform(-0.06, 0.06));
  c.roofFront = half * (kRoofFront[kind] + r.uniform(-0.06, 0.06));
  c.axleRear = -half * r.uniform(0.58, 0.66);
  c.axleFront = half * r.uniform(0.6, 0.68);
  double hood = c.belt - r.uniform(0.06, 0.18), nose = clear + r.uniform(0.38, 0.5);
  double w = c.halfWidth, tail = c.belt - r.uniform(0.0, 0.1);
  c.body = {{-half, clear + 0.12, tail - 0.16, w * 0.84},
            {-half * 0.97, clear + 0.02, tail, w * 0.93},
            {-half * 0.8, clear, c.belt, w},
            {0, clear, c.belt, w},
            {c.cabinFront, clear, c.belt, w},
            {half * 0.86, clear + 0.01, hood, w * 0.96},
            {half * 0.97, clear + 0.04, nose + 0.1, w * 0.88},
            {half, clear + 0.1, nose, w * 0.76}};
  static constexpr Color kPaints[] = {{0.06, 0.06, 0.07}, {0.93, 0.93, 0.92}, {0.68, 0.7, 0.72},
                                      {0.4, 0.42, 0.45},  {0.7, 0.08, 0.08},  {0.1, 0.2, 0.55},
                                      {0.08, 0.35, 0.2},  {0.75, 0.66, 0.5},  {0.9, 0.72, 0.1},
                                      {0.45, 0.12, 0.2},  {0.35, 0.5, 0.65},  {0.85, 0.4, 0.1}};
  c.paint = kPaints[r.below(std::size(kPaints))];
  double cast = r.uniform(0, 0.25);
  c.paint = blend(c.paint, {r.uniform(0, 1), r.uniform(0, 1), r.uniform(0, 1)}, cast);
  c.glass = Color{0.1, 0.12, 0.14} * r.uniform(0.5, 1.8);
  c.rim = Color{0.75, 0.76, 0.78} * r.uniform(0.35, 1.15);
  c.trim = Color{0.16, 0.16, 0.17} * r.uniform(0.6, 1.6);
  c.tint = r.uniform(0.6, 0.95);
  c.sideWindows = kind == 5 ? 1 + r.below(2) : 2 + r.below(2);
  c.spokes = 5 + r.below(4);
  c.twoTone = r.chance(0.3);
  c.mirrors = r.chance(0.85);
  return c;
}

std::vector<Vec3> Car::extent() const {
  std::vector<Vec3> p;
  for (const Station &s : body)
    for (const Vec3 &v : ring(s))
      p.push_back(v);
  for (double side : {-1.0, 1.0}) {
    for (double x : {roofRear, roofFront})
      p.push_back({x, side * roofHalfWidth, roof});
    for (double x : {axleRear, axleFront})
      p.push_back({x, side * halfWidth, 0});
  }
  return p;
}

void drawShadow(Canvas &canvas, const Camera &camera, const Car &car, const Light &light,
                double strength) {
  double half = car.body.back().x;
  Vec2 shift{-light.direction.x * 0.35, -light.direction.y * 0.35};
  constexpr int kLayers = 9;
  for (int layer = 0; layer < kLayers; ++layer) {
    double t = double(layer) / (kLayers - 1), grow = 0.32 * (1 - t) - 0.05, corner = 0.5;
    std::vector<Vec2> outline;
    double lx = half + grow, ly = car.halfWidth + grow;
    for (int k = 0; k < 32; ++k) { // rounded rectangle
      double a = 2 * kPi * k / 32, ca = cosine(a), sa = sine(a);
      double x = (ca > 0 ? 1 : -1) * (lx - corner) + corner * ca;
      double y = (sa > 0 ? 1 : -1) * (ly - corner) + corner * sa;
      outline.push_back(camera.project({x + shift.x * (1 - t), y + shift.y * (1 - t), 0}));
    }
    canvas.fill(hull(outline), Color{0.02, 0.02, 0.03}, strength / kLayers * (1 + t));
  }
}

void drawCar(Canvas &canvas, Mask &mask, const Camera &camera, const Car &car, const Light &light) {
  // What lies behind the glass.
  Canvas behind = canvas;
  Painter paint(canvas, mask, camera, light);
  double w = car.halfWidth, r = car.wheelRadius;
  const Color tyre{0.07, 0.07, 0.075};

  // 1. Tyres as thick discs: the body hides what it must.
  for (double x : {car.axleRear, car.axleFront})
    for (double side : {-1.0, 1.0}) {
      std::vector<Vec2> both;
      for (double y : {w, w - 0.24})
        for (const Vec3 &v : disc({x, side * y, r}, r))
          both.push_back(camera.project(v));
      paint.solid(hull(both), tyre * 0.7);
    }
  // 2. Underbody, then the lower body.
  {
    std::vector<Vec2> under;
    for (double x : {car.body[1].x, car.body[6].x})
      for (double side : {-1.0, 1.0})
        for (double z : {car.body[2].low, car.body[2].low + 0.15})
          under.push_back(camera.project({x, side * w * 0.8, z}));
    paint.solid(hull(under), tyre * 0.5);
  }
  paint.faces(bodyFaces(car));

  Vec3 eye = camera.eye();
  bool fromFront = eye.x > car.body.back().x, fromRear = eye.x < car.body.front().x;
  // 3. Front and rear: grille, lights, plate. On the cap, so inside the outline.
  auto cap = [&](const Station &s, bool front) {
    double k = front ? 1 : -1, x = s.x + k * 0.01, h = s.high - s.low;
    auto quad = [&](double y0, double y1, double z0, double z1) {
      return std::vector<Vec3>{{x, y0 * s.halfWidth * 0.9, s.low + z0 * h},
                               {x, y1 * s.halfWidth * 0.9, s.low + z0 * h},
                               {x, y1 * s.halfWidth * 0.9, s.low + z1 * h},
                               {x, y0 * s.halfWidth * 0.9, s.low + z1 * h}};
    };
    if (front)
      paint.mark(quad(-0.5, 0.5, 0.4, 0.9), car.trim * 0.8);
    paint.mark(quad(-0.28, 0.28, 0.12, 0.36), Color{0.85, 0.85, 0.78} * (light.ambient + 0.3));
    Color lamp = front ? Color{0.95, 0.95, 0.88} : Color{0.65, 0.05, 0.05};
    paint.mark(quad(-0.98, -0.58, 0.55, 0.95), lamp);
    paint.mark(quad(0.58, 0.98, 0.55, 0.95), lamp);
  };
  if (fromFront)
    cap(car.body.back(), true);
  if (fromRear)
    cap(car.body.front(), false);

  // 4. The side the viewer sees: arches, wheels, doors, handles, a streak of light on the shoulder.
  double side = 0;
  if (eye.y > w)
    side = 1;
  else if (eye.y < -w)
    side = -1;
  if (side != 0) {
    double y = side * w;
    double doorLow = car.body[2].low + 0.12;
    std::vector<double> doors{car.cabinFront - 0.25, (car.cabinFront - 0.25 + car.cabinRear) / 2};
    for (double x : doors)
      paint.mark({{x, y, doorLow},
                  {x + 0.025, y, doorLow},
                  {x + 0.025, y * 0.95, car.belt},
                  {x, y * 0.95, car.belt}},
                 car.paint * 0.25, 0.7);
    for (double x : doors)
      paint.mark({{x - 0.3, y, car.belt - 0.16},
                  {x - 0.14, y, car.belt - 0.16},
                  {x - 0.14, y, car.belt - 0.12},
                  {x - 0.3, y, car.belt - 0.12}},
                 car.trim, 0.9);
    double shine = car.body[2].low + (car.belt - car.body[2].low) * 0.62;
    paint.mark({{car.body[2].x, y, shine},
                {car.body[5].x, y * 0.97, shine - 0.03},
                {car.body[5].x, y * 0.97, shine},
                {car.body[2].x, y, shine + 0.05}},
               blend(light.sky, {1, 1, 1}, 0.5), 0.15 + 0.45 * light.gloss);
    for (double x : {car.axleRear, car.axleFront}) {
      paint.mark(disc({x, y, r}, r * 1.13, 0, kPi), tyre * 0.4);
      paint.solid(paint.project(disc({x, y, r}, r)), tyre);
      Vec3 hub{x, y * 1.002, r};
      paint.mark(disc(hub, r * 0.66), car.rim * (light.ambient + 0.35));
      for (int k = 0; k < car.spokes; ++k) {
        double a = 2 * kPi * (k + 0.3) / car.spokes, b = a + kPi / car.spokes * 0.9;
        auto at = [&](double angle, double q) {
          return Vec3{x + r * q * cosine(angle), y * 1.004, r + r * q * sine(angle)};
        };
        paint.mark({at(a, 0.2), at(a, 0.58), at(b, 0.58), at(b, 0.2)}, tyre * 1.5);
      }
      paint.mark(disc(hub, r * 0.13), car.rim * 0.8);
    }
    // Lamps wrap around the corners.
    paint.mark({{car.body[6].x, y * 0.9, car.body[6].high - 0.16},
                {car.body[6].x - 0.3, y * 0.95, car.body[6].high - 0.06},
                {car.body[6].x - 0.25, y * 0.95, car.body[6].high + 0.02},
                {car.body[6].x, y * 0.88, car.body[6].high - 0.04}},
               {0.92, 0.92, 0.86});
    paint.mark({{car.body[1].x, y * 0.93, car.body[1].high - 0.3},
                {car.body[1].x + 0.16, y * 0.97, car.body[1].high - 0.3},
                {car.body[1].x + 0.16, y * 0.95, car.body[1].high - 0.06},
                {car.body[1].x, y * 0.91, car.body[1].high - 0.06}},
               {0.6, 0.05, 0.05});
  }

  // 5. Cabin: paint, then glass a little inside each face.
  CabinQuads q = cabin(car);
  std::vector<Face> faces;
  for (const auto &f : {q.right, q.left, q.front, q.rear, q.roof})
    faces.push_back({{f.begin(), f.end()}, car.paint});
  paint.faces(faces);
  auto glass = [&](const std::array<Vec3, 4> &face, double u0, double u1, double v0, double v1) {
    if (!paint.faces(onQuad(face, 0.5, 0.5), quadNormal(face)))
      return;
    Polygon p = paint.project(patch(face, u0, u1, v0, v1));
    double top = 1e30, bottom = -1e30;
    for (const Vec2 &v : p) {
      top = std::min(top, v.y);
      bottom = std::max(bottom, v.y);
    }
    double up = std::max(0.0, quadNormal(face).z);
    double reflect = light.gloss * (0.15 + 0.5 * up);
    paint.mark(p, [&, top, bottom, reflect](double x, double y) {
      Color through = behind.at(std::clamp(int(x), 0, behind.width() - 1),
                                std::clamp(int(y), 0, behind.height() - 1));
      double t = (y - top) / std::max(bottom - top, 1e-6);
      return blend(blend(through, car.glass, car.tint), light.sky, reflect * (1 - 0.7 * t));
    });
  };
  glass(q.front, 0.06, 0.94, 0.06, 0.9);
  glass(q.rear, 0.1, 0.9, 0.15, 0.88);
  for (const auto &face : {q.right, q.left})
    for (int k = 0; k < car.sideWindows; ++k) {
      double u0 = 0.07 + 0.86 * k / car.sideWindows, u1 = 0.07 + 0.86 * (k + 1) / car.sideWindows;
      glass(face, u0 + 0.012, u1 - 0.012, 0.06, 0.86);
    }

  // 6. Mirrors stand out of the outline.
  if (car.mirrors)
    for (double s : {-1.0, 1.0}) {
      std::vector<Vec2> box;
      for (double x : {car.cabinFront - 0.28, car.cabinFront - 0.14})
        for (double y : {w * 0.93, w * 0.93 + 0.2})
          for (double z : {car.belt + 0.03, car.belt + 0.17})
            box.push_back(camera.project({x, s * y, z}));
      // The far one only where the cabin does not hide it.
      if (s == side || side == 0)
        paint.solid(hull(box), car.paint * (light.ambient + 0.2));
    }
}

} // namespace tessera::synth
