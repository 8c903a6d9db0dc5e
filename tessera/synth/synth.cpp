#include "tessera/synth/synth.h"

#include "tessera/support/parallel.h"
#include "tessera/support/progress.h"
#include "tessera/synth/car.h"

#include <algorithm>
#include <fmt/format.h>
#include <mutex>

namespace fs = std::filesystem;
namespace tessera::synth {
namespace {

/// Smooth value noise in 0..1, period none.
double noise(uint64_t key, double x, double y) {
  double fx = std::floor(x), fy = std::floor(y), u = x - fx, v = y - fy;
  auto lattice = [&](int dx, int dy) {
    return unit(mix(key ^ mix(uint64_t(int64_t(fx) + dx) * 0x9E3779B1u +
                              uint64_t(int64_t(fy) + dy) * 0x85EBCA77ull)));
  };
  u = u * u * (3 - 2 * u);
  v = v * v * (3 - 2 * v);
  double a = lattice(0, 0) * (1 - u) + lattice(1, 0) * u;
  double b = lattice(0, 1) * (1 - u) + lattice(1, 1) * u;
  return a * (1 - v) + b * v;
}

double layered(uint64_t key, double x, double y) {
  return 0.55 * noise(key, x, y) + 0.3 * noise(key + 1, x * 2.3, y * 2.3) +
         0.15 * noise(key + 2, x * 5.1, y * 5.1);
}

Color anyColor(Random &r, double low, double high) {
  double base = r.uniform(low, high), spread = r.uniform(0, 0.22);
  auto channel = [&] { return std::clamp(base + r.uniform(-spread, spread), 0.0, 1.0); };
  double red = channel(), green = channel(), blue = channel();
  return {red, green, blue};
}

/// Everything behind the car, in pictures of width `w` and height `h`; distances scale with w.
void drawBackground(Canvas &canvas, Random r, double horizon, bool studio) {
  double w = canvas.width(), h = canvas.height();
  uint64_t key = r.bits();
  Color top = anyColor(r, studio ? 0.55 : 0.3, 0.95), low = blend(top, anyColor(r, 0.3, 0.95), 0.6);
  Color near = anyColor(r, 0.15, studio ? 0.85 : 0.65), far = blend(near, low, r.uniform(0.2, 0.6));
  double skyTexture = r.uniform(0, 0.2), groundTexture = r.uniform(0.03, studio ? 0.1 : 0.3);
  double skyScale = r.uniform(3, 14), groundScale = r.uniform(8, 40);
  double edge = studio ? 0.08 * h : 0.004 * h; // a studio's floor runs into the wall
  canvas.paint([&](double x, double y) {
    double share = std::clamp((y - horizon) / edge + 0.5, 0.0, 1.0);
    double t = std::clamp(y / std::max(horizon, 1.0), 0.0, 1.0);
    Color c = blend(top, low, t);
    double n = skyTexture > 0 && share < 1
                   ? layered(key, x / w * skyScale, y / w * skyScale * 1.5) - 0.5
                   : 0;
    c = c + Color{n, n, n} * (skyTexture * 2 * (1 - share));
    if (share > 0) {
      double depth = std::max((y - horizon) / h, 0.004);
      Color g = blend(far, near, std::clamp((y - horizon) / std::max(h - horizon, 1.0), 0.0, 1.0));
      // In perspective far away, flat close by: keeps the lattice from aliasing at the horizon.
      double zoom = 1 / (depth + 0.25);
      double m =
          layered(key + 9, (x / w - 0.5) * groundScale * zoom, depth * groundScale * zoom * 2.5) -
          0.5;
      c = blend(c, g + Color{m, m, m} * (groundTexture * 1.4), share);
    }
    return c;
  });

  if (studio) {
    // Turntable edge and lamps.
    if (r.chance(0.7)) {
      double y = r.uniform(0.62, 0.8) * h, rx = r.uniform(0.45, 0.7) * w,
             ry = r.uniform(0.1, 0.2) * w;
      Color plate = near * r.uniform(0.7, 1.2);
      canvas.fill(ellipse({r.uniform(0.4, 0.6) * w, y}, rx, ry), plate, 0.6);
    }
    for (int k = r.below(4); k > 0; --k) {
      double x = r.uniform(0, w), y = r.uniform(0, 0.25) * h;
      double thick = r.uniform(0.01, 0.04) * h, wide = r.uniform(0.1, 0.3) * w;
      canvas.fill(rectangle(x, y, x + wide, y + thick), Color{1, 1, 1}, 0.7);
    }
    for (int k = r.below(4); k > 0; --k) {
      double x = r.uniform(0, w);
      Color c = anyColor(r, 0.1, 0.9);
      canvas.fill(rectangle(x, 0, x + r.uniform(0.005, 0.03) * w, horizon + 0.04 * h), c, 0.8);
    }
    return;
  }

  // Far: buildings with windows.
  for (int k = r.below(6); k > 0; --k) {
    double x = r.uniform(-0.15, 0.95) * w, bw = r.uniform(0.1, 0.4) * w,
           bh = r.uniform(0.15, 1.0) * horizon;
    Color wall = anyColor(r, 0.2, 0.9), pane = anyColor(r, 0.05, 0.6);
    double base = horizon + r.uniform(0, 0.05) * h;
    canvas.fill(rectangle(x, base - bh, x + bw, base), wall);
    int columns = 2 + r.below(6), rows = 1 + r.below(5);
    if (r.chance(0.75))
      for (int i = 0; i < columns; ++i)
        for (int j = 0; j < rows; ++j) {
          double px = x + bw * (i + 0.2) / columns, py = base - bh + bh * (j + 0.2) / rows;
          canvas.fill(rectangle(px, py, px + bw * 0.6 / columns, py + bh * 0.6 / rows), pane);
        }
  }
  // Trees: a trunk and a heap of leaves.
  for (int k = r.below(5); k > 0; --k) {
    double x = r.uniform(0, w), base = horizon + r.uniform(0, 0.12) * h,
           size = r.uniform(0.05, 0.16) * w;
    canvas.fill(rectangle(x - size * 0.1, base - size * 1.3, x + size * 0.1, base),
                anyColor(r, 0.1, 0.4));
    Color leaf = blend({0.15, 0.35, 0.12}, anyColor(r, 0.1, 0.6), 0.4);
    for (int i = 0; i < 14; ++i) {
      Color lit = leaf * r.uniform(0.6, 1.3);
      double ry = size * r.uniform(0.2, 0.45), rx = size * r.uniform(0.2, 0.5);
      double dx = r.uniform(-0.8, 0.8), dy = 1.5 + r.uniform(-0.6, 0.8);
      canvas.fill(ellipse({x + dx * size, base - size * dy}, rx, ry), lit);
    }
  }
  // Road marks and slabs on the ground.
  for (int k = r.below(5); k > 0; --k) {
    double y = horizon + r.uniform(0.15, 1) * (h - horizon), t = r.uniform(0.004, 0.03) * h;
    double x = r.uniform(-0.3, 0.8) * w, l = r.uniform(0.2, 1.0) * w,
           lean = r.uniform(-0.3, 0.3) * t * 4;
    double alpha = r.uniform(0.3, 0.9);
    Color c = anyColor(r, 0.2, 0.95);
    canvas.fill(Polygon{{x, y}, {x + l, y + lean}, {x + l, y + lean + t}, {x, y + t}}, c, alpha);
  }
  // Distractors: car-coloured crates, barrels, discs and blobs, standing on the ground beside or
  // behind.
  for (int k = 1 + r.below(7); k > 0; --k) {
    double x = r.uniform(0, w), base = horizon + r.uniform(0.02, 0.45) * (h - horizon),
           s = r.uniform(0.03, 0.13) * w;
    Color c = anyColor(r, 0.05, 0.95);
    canvas.fill(ellipse({x, base}, s * 0.9, s * 0.15), Color{0, 0, 0}, 0.3);
    switch (r.below(5)) {
    case 0: { // crate with a lit lid
      double d = s * r.uniform(0.2, 0.5);
      canvas.fill(rectangle(x - s * 0.7, base - s, x + s * 0.7, base), c);
      canvas.fill(Polygon{{x - s * 0.7, base - s},
                          {x - s * 0.7 + d, base - s - d},
                          {x + s * 0.7 + d, base - s - d},
                          {x + s * 0.7, base - s}},
                  c * 1.2);
      canvas.fill(Polygon{{x + s * 0.7, base - s},
                          {x + s * 0.7 + d, base - s - d},
                          {x + s * 0.7 + d, base - d},
                          {x + s * 0.7, base}},
                  c * 0.7);
      if (r.chance(0.5))
        canvas.fill(rectangle(x - s * 0.5, base - s * 0.8, x + s * 0.3, base - s * 0.45),
                    Color{0.1, 0.12, 0.14});
      break;
    }
    case 1: // barrel
      canvas.fill(rectangle(x - s * 0.35, base - s * 1.1, x + s * 0.35, base),
                  [&](double px, double) {
                    return c * (0.6 + 0.6 * (1 - std::abs((px - x) / (s * 0.35))));
                  });
      canvas.fill(ellipse({x, base - s * 1.1}, s * 0.35, s * 0.1), c * 0.6);
      break;
    case 2: // a tyre standing alone
      canvas.fill(ellipse({x, base - s * 0.5}, s * 0.5, s * 0.5), Color{0.07, 0.07, 0.08});
      canvas.fill(ellipse({x, base - s * 0.5}, s * 0.28, s * 0.28), anyColor(r, 0.2, 0.8));
      break;
    case 3: // rock or bush
      for (int i = 0; i < 6; ++i) {
        Color lit = c * r.uniform(0.7, 1.2);
        double turn = r.uniform(0, 3), ry = s * r.uniform(0.2, 0.4), rx = s * r.uniform(0.2, 0.5);
        double dx = r.uniform(-0.5, 0.5), dy = r.uniform(0.1, 0.5);
        canvas.fill(ellipse({x + dx * s, base - s * dy}, rx, ry, turn), lit);
      }
      break;
    default: // cone
      canvas.fill(Polygon{{x - s * 0.3, base}, {x + s * 0.3, base}, {x, base - s}},
                  blend(c, {0.9, 0.4, 0.1}, 0.7));
      canvas.fill(Polygon{{x - s * 0.18, base - s * 0.4},
                          {x + s * 0.18, base - s * 0.4},
                          {x + s * 0.1, base - s * 0.65},
                          {x - s * 0.1, base - s * 0.65}},
                  Color{0.9, 0.9, 0.9});
    }
  }
  // Poles and wires.
  for (int k = r.below(5); k > 0; --k) {
    double x = r.uniform(0, w), t = r.uniform(0.003, 0.015) * w,
           base = horizon + r.uniform(0, 0.25) * (h - horizon);
    double head = r.uniform(-0.3, 0.6) * horizon;
    canvas.fill(rectangle(x, head, x + t, base), anyColor(r, 0.05, 0.8));
    if (r.chance(0.5))
      canvas.fill(rectangle(x - t * 3, head, x + t * 4, head + t * 5), anyColor(r, 0.1, 0.95));
  }
}

/// Zoom and centre such that the car takes a random share of the picture and stays in it (mostly).
Camera frame(const Car &car, Random r, double w, double h) {
  Camera camera;
  camera.turn = r.uniform(0, 6.283185307179586);
  camera.distance = r.uniform(6.5, 14);
  camera.height = r.uniform(0.9, 2.6);
  double x0 = 1e30, x1 = -1e30, y0 = 1e30, y1 = -1e30;
  for (const Vec3 &p : car.extent()) {
    Vec2 q = camera.project(p);
    x0 = std::min(x0, q.x);
    x1 = std::max(x1, q.x);
    y0 = std::min(y0, q.y);
    y1 = std::max(y1, q.y);
  }
  double size = r.uniform(0.45, 0.86);
  camera.zoom = std::min(size * w / (x1 - x0), size * 0.95 * h / (y1 - y0));
  double cw = (x1 - x0) * camera.zoom, ch = (y1 - y0) * camera.zoom;
  double left = r.uniform(0.02, 0.98) * (w - cw),
         up = h * 0.03 + r.uniform(0.3, 0.95) * (h * 0.94 - ch);
  if (r.chance(0.06)) // now and then cut by the frame
    left += (r.chance(0.5) ? 1 : -1) * 0.3 * cw;
  camera.centre = {left - x0 * camera.zoom, up - y0 * camera.zoom};
  return camera;
}

} // namespace

Scene draw(uint64_t seed, int width, int height) {
  TESSERA_CHECK(width >= kMinSide && height >= kMinSide && width <= kMaxSide && height <= kMaxSide,
                "synthetic picture of a size out of range");
  Random scene(seed);
  Canvas canvas(width, height);
  Mask mask(width, height);
  double w = width, h = height;
  Random r = scene.fork(1);
  Car car = Car::random(scene.fork(2));
  Camera camera = frame(car, scene.fork(3), w, h);
  bool studio = r.chance(0.3);
  double horizon = std::clamp(camera.horizon() + r.uniform(-0.03, 0.03) * h, 0.12 * h, 0.7 * h);
  drawBackground(canvas, scene.fork(4), horizon, studio);

  Light light;
  double turn = r.uniform(0, 6.283185307179586), up = r.uniform(0.4, 0.95);
  double flat = std::sqrt(1 - up * up);
  light.direction = {flat * cosine(turn), flat * sine(turn), up};
  light.ambient = r.uniform(0.45, 0.75);
  light.diffuse = r.uniform(0.25, 0.6);
  light.gloss = r.uniform(0.1, 1);
  double grey = r.uniform(0.55, 1);
  light.sky = {grey * r.uniform(0.85, 1), grey * r.uniform(0.9, 1), grey};
  drawShadow(canvas, camera, car, light, r.uniform(0.3, 0.85));
  drawCar(canvas, mask, camera, car, light);

  // The camera: exposure, colour cast, fall-off to the corners, softness, grain.
  double gain = r.uniform(0.75, 1.15), fall = r.uniform(0, 0.3);
  Color cast{gain * r.uniform(0.93, 1.07), gain, gain * r.uniform(0.93, 1.07)};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      double u = (x + 0.5) / w - 0.5, v = (y + 0.5) / h - 0.5, k = 1 - fall * 2 * (u * u + v * v);
      Color &c = canvas.at(x, y);
      c = {c.r * cast.r * k, c.g * cast.g * k, c.b * cast.b * k};
    }
  canvas.blur(r.uniform(0, 0.0012) * w);
  Scene result;
  result.image = canvas.toImage(scene.fork(5).bits(), r.uniform(0.005, 0.04));
  result.mask = std::move(mask);
  return result;
}

Status writeSet(const fs::path &folder, int64_t count, uint64_t seed, int width, int height) {
  if (width < kMinSide || height < kMinSide || width > kMaxSide || height > kMaxSide)
    return fail("bad-option", "", fmt::format("a picture of {}x{} cannot be drawn", width, height),
                fmt::format("each side must lie between {} and {}", kMinSide, kMaxSide));
  if (count < 0)
    return fail("bad-option", "", fmt::format("cannot write {} pictures", count));
  for (const char *part : {"images", "masks"}) {
    std::error_code ec;
    fs::create_directories(folder / part, ec);
    if (ec)
      return fail("write-failed", (folder / part).string(),
                  "cannot create the folder: " + ec.message());
  }
  Progress progress("synth", count, "pictures");
  std::mutex mutex;
  // The problem of the lowest number is reported, whatever the threads did first.
  int64_t worst = count;
  Status status;
  parallelFor(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      {
        std::lock_guard lock(mutex);
        if (i > worst)
          return;
      }
      Scene scene = draw(seed + uint64_t(i), width, height);
      std::string name = fmt::format("{:04}.png", i);
      Status done = writeImagePng(folder / "images" / name, scene.image);
      if (done)
        done = writeMaskPng(folder / "masks" / name, scene.mask);
      if (!done) {
        std::lock_guard lock(mutex);
        if (i < worst) {
          worst = i;
          status = done;
        }
        return;
      }
      progress.advance();
    }
  });
  return status;
}

} // namespace tessera::synth
