#include "tessera/support/file.h"
#include "tessera/support/parallel.h"
#include "tessera/support/testing.h"
#include "tessera/synth/canvas.h"
#include "tessera/synth/synth.h"

#include <cmath>
#include <gtest/gtest.h>

namespace fs = std::filesystem;
using namespace tessera;
using namespace tessera::synth;

TEST(Synth, SeedAndSizeAloneDecide) {
  Scene a = draw(5, 96, 64), b = draw(5, 96, 64);
  EXPECT_EQ(a.image, b.image);
  EXPECT_EQ(a.mask, b.mask);
  EXPECT_NE(draw(6, 96, 64).mask, a.mask);
}

// Pinned: other bytes on another compiler or system, or after a change here, are other data.
TEST(Synth, BytesAreTheSameEverywhere) {
  uint64_t all = 14695981039346656037ull; // FNV-1a
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Scene s = draw(seed, 144, 96);
    for (const auto &bytes : {s.image.pixels, s.mask.pixels})
      for (uint8_t b : bytes)
        all = (all ^ b) * 1099511628211ull;
  }
  EXPECT_EQ(all, 6812050749020225165ull);
}

TEST(Synth, TheSameSceneAtEverySize) {
  for (uint64_t seed : {1, 2, 3}) {
    Scene small = draw(seed, 120, 80), large = draw(seed, 480, 320);
    int64_t same = 0;
    for (int y = 0; y < 80; ++y)
      for (int x = 0; x < 120; ++x)
        same += small.mask.at(x, y) == large.mask.at(4 * x + 2, 4 * y + 2);
    EXPECT_GT(same, 120 * 80 * 99 / 100) << "seed " << seed;
  }
}

TEST(Synth, EveryCarIsThereAndNotAll) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    double share = double(draw(seed, 96, 64).mask.area()) / (96 * 64);
    EXPECT_GT(share, 0.02) << "seed " << seed;
    EXPECT_LT(share, 0.7) << "seed " << seed;
  }
}

// A threshold on one channel must not find the car, else the task is none.
TEST(Synth, NoColourThresholdFindsTheCar) {
  double sum = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Scene s = draw(seed, 96, 64);
    double best = 0;
    for (int channel = 0; channel < 3; ++channel)
      for (int level = 0; level < 256; level += 8)
        for (bool above : {false, true}) {
          int64_t both = 0, found = 0;
          for (size_t i = 0; i < s.mask.pixels.size(); ++i) {
            bool in = (s.image.pixels[i * 3 + channel] > level) == above;
            found += in;
            both += in && s.mask.pixels[i];
          }
          best = std::max(best, 2.0 * both / double(found + s.mask.area()));
        }
    sum += best;
  }
  EXPECT_LT(sum / 20, 0.8);
}

TEST(Synth, WritesTheSameFilesForAnyThreadCount) {
  ScratchFolder dir;
  setThreadCount(1);
  ASSERT_TRUE(writeSet(dir / "one", 5, 40, 48, 32));
  setThreadCount(0);
  ASSERT_TRUE(writeSet(dir / "all", 5, 40, 48, 32));
  for (int i = 0; i < 5; ++i) {
    std::string name = "000" + std::to_string(i) + ".png";
    for (const char *part : {"images", "masks"})
      EXPECT_EQ(*readFile(dir / "one" / part / name), *readFile(dir / "all" / part / name)) << part;
    Scene scene = draw(40 + i, 48, 32);
    EXPECT_EQ(*readImage(dir / "one/images" / name), scene.image);
    EXPECT_EQ(*readMask(dir / "one/masks" / name), scene.mask);
  }
  EXPECT_FALSE(writeSet(dir / "bad", 1, 1, 4, 4));
  EXPECT_FALSE(writeSet(dir / "bad", -1, 1, 48, 32));
}

TEST(Canvas, CoversByShareAndMasksByCentre) {
  Canvas canvas(4, 4);
  Mask mask(4, 4);
  Polygon square = rectangle(0.75, 1, 2.75, 3);
  canvas.fill(square, Color{1, 1, 1});
  fillMask(mask, square);
  EXPECT_DOUBLE_EQ(canvas.at(0, 1).r, 0.25);
  EXPECT_DOUBLE_EQ(canvas.at(1, 1).r, 1);
  EXPECT_DOUBLE_EQ(canvas.at(2, 2).r, 0.75);
  EXPECT_EQ(canvas.at(1, 0).r, 0);
  EXPECT_EQ(mask.area(), 4) << "columns 1 and 2 (centres 1.5, 2.5), rows 1 and 2";
  EXPECT_EQ(mask.at(0, 1), 0);
}

TEST(Canvas, SineIsASine) {
  for (double x = -12; x < 12; x += 0.37)
    EXPECT_NEAR(sine(x), std::sin(x), 5e-9) << x;
}
