#pragma once
// Seeded synthetic pictures of car-like objects on cluttered backgrounds, with exact masks: data
// for the demo, tests and calibration that anyone may use.
#include "tessera/image/image.h"

#include <cstdint>
#include <filesystem>

namespace tessera::synth {

/// Smallest and largest side draw() accepts.
inline constexpr int kMinSide = 16, kMaxSide = 16384;

/// A picture with its truth, both of the size asked for.
struct Scene {
  Image image; ///< anti-aliased
  Mask mask;   ///< 1 where the pixel's centre lies on the object (shadow excluded)
};

/// Draws scene `seed`. A small three-dimensional car (body, cabin, windows, wheels, lights) of
/// random build, paint, turn, size and place stands on textured ground before rectangles, poles,
/// trees and car-coloured distractors; light, shadow, highlights, blur and grain vary. The same
/// scene at other sizes shows the same things (grain apart). Sides must lie in [kMinSide, kMaxSide]
/// (checked).
///
/// The bytes depend on `seed` and size alone: own counter-based random numbers, no libm beyond
/// correctly rounded operations, no threads.
Scene draw(uint64_t seed, int width, int height);

/// Writes scenes seed, seed + 1, ... seed + count - 1 as folder/images/0000.png and
/// folder/masks/0000.png (numbered from 0, at least four digits), side by side on all cores.
/// Creates the folders. Errors: "bad-option" for a size out of range or a negative count,
/// "write-failed".
Status writeSet(const std::filesystem::path &folder, int64_t count, uint64_t seed, int width,
                int height);

} // namespace tessera::synth
