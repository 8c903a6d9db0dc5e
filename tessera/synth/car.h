#pragma once
// The object of a scene: a small car of planes and discs in space, seen by a pinhole camera.
#include "tessera/synth/canvas.h"
#include "tessera/synth/random.h"

namespace tessera::synth {

/// Metres: x forward, y left, z up; the ground is z = 0, the car's middle x = y = 0.
struct Vec3 {
  double x = 0, y = 0, z = 0;
  Vec3 operator+(const Vec3 &o) const { return {x + o.x, y + o.y, z + o.z}; }
  Vec3 operator-(const Vec3 &o) const { return {x - o.x, y - o.y, z - o.z}; }
  Vec3 operator*(double k) const { return {x * k, y * k, z * k}; }
};

/// Looks at (0, 0, 0.6) from `distance` metres away at height `height`.
struct Camera {
  double turn = 0; ///< radians the car is turned against the viewer
  double distance = 9, height = 1.5;
  double zoom = 1; ///< pixels per (metre at one metre distance)
  Vec2 centre;     ///< picture point of the point looked at

  Vec2 project(const Vec3 &p) const;
  /// The camera's place in the car's coordinates.
  Vec3 eye() const;
  /// Picture row of the horizon.
  double horizon() const;
  double depth(const Vec3 &p) const;
};

/// One cross-section of the lower body.
struct Station {
  double x, low, high, halfWidth;
};

struct Car {
  std::vector<Station> body;                         ///< rear to front
  double cabinRear, cabinFront, roofRear, roofFront; ///< x
  double belt, roof;                                 ///< z
  double halfWidth, roofHalfWidth;
  double wheelRadius, axleRear, axleFront;
  Color paint, glass, rim, trim;
  double tint; ///< share of glass colour over what is behind
  int sideWindows, spokes;
  bool twoTone, mirrors;

  static Car random(Random r);
  /// All corner points, for framing.
  std::vector<Vec3> extent() const;
};

struct Light {
  Vec3 direction; ///< towards the light, length 1
  double ambient = 0.5, diffuse = 0.5, gloss = 0.5;
  Color sky; ///< what glass and roof reflect
};

/// Shadow on the ground; not part of the mask.
void drawShadow(Canvas &canvas, const Camera &camera, const Car &car, const Light &light,
                double strength);
/// Draws the car and sets the mask where its centre-sampled outline lies.
void drawCar(Canvas &canvas, Mask &mask, const Camera &camera, const Car &car, const Light &light);

} // namespace tessera::synth
