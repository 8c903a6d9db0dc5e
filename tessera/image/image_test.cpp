#include "tessera/image/image.h"
#include "tessera/image/mask.h"
#include "tessera/image/preprocess.h"
#include "tessera/image/side_by_side.h"
#include "tessera/support/file.h"
#include "tessera/support/testing.h"
#include "tessera/tensor/npz.h"

#include <cmath>
#include <gif_lib.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace fs = std::filesystem;
using namespace tessera;

namespace {

struct ImageTest : testing::Test {
  ScratchFolder dir;
};

Mask maskOf(const std::vector<std::string> &rows) {
  Mask m(int(rows[0].size()), int(rows.size()));
  for (int y = 0; y < m.height; ++y)
    for (int x = 0; x < m.width; ++x)
      m.at(x, y) = rows[y][x] == '#';
  return m;
}

/// A GIF whose palette is black everywhere but in entry 2: colour cannot tell index 1 from 0.
void writeGif(const fs::path &path, int width, int height, const std::vector<uint8_t> &indices) {
  GifColorType colors[4] = {{0, 0, 0}, {0, 0, 0}, {10, 20, 30}, {0, 0, 0}};
  ColorMapObject *map = GifMakeMapObject(4, colors);
  int error = 0;
  GifFileType *file = EGifOpenFileName(path.c_str(), false, &error);
  ASSERT_NE(file, nullptr);
  EGifPutScreenDesc(file, width, height, 2, 0, map);
  EGifPutImageDesc(file, 0, 0, width, height, false, nullptr);
  std::vector<uint8_t> copy = indices;
  EGifPutLine(file, copy.data(), int(copy.size()));
  EGifCloseFile(file, &error);
  GifFreeMapObject(map);
}

Image counting(int width, int height) {
  Image image(width, height);
  for (size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = uint8_t(i * 7);
  return image;
}

/// 8x8 pixels, all of grey level 120.
const std::vector<uint8_t> kJpeg = {
    255, 216, 255, 224, 0,   16,  74,  70,  73, 70,  0,   1,  1,  0,  0,  1,  0,  1,   0,  0,
    255, 219, 0,   67,  0,   8,   6,   6,   7,  6,   5,   8,  7,  7,  7,  9,  9,  8,   10, 12,
    20,  13,  12,  11,  11,  12,  25,  18,  19, 15,  20,  29, 26, 31, 30, 29, 26, 28,  28, 32,
    36,  46,  39,  32,  34,  44,  35,  28,  28, 40,  55,  41, 44, 48, 49, 52, 52, 52,  31, 39,
    57,  61,  56,  50,  60,  46,  51,  52,  50, 255, 192, 0,  11, 8,  0,  8,  0,  8,   1,  1,
    17,  0,   255, 196, 0,   20,  0,   1,   0,  0,   0,   0,  0,  0,  0,  0,  0,  0,   0,  0,
    0,   0,   0,   4,   255, 196, 0,   20,  16, 1,   0,   0,  0,  0,  0,  0,  0,  0,   0,  0,
    0,   0,   0,   0,   0,   0,   255, 218, 0,  8,   1,   1,  0,  0,  63, 0,  59, 255, 217};
/// 4x1 RGBA: opaque black, opaque (0, 0, 1), clear black, clear (9, 0, 0).
const std::vector<uint8_t> kRgbaPng = {
    137, 80,  78,  71, 13,  10,  26,  10,  0, 0,   0,  13,  73,  72,  68, 82,  0,   0,   0,  4,
    0,   0,   0,   1,  8,   6,   0,   0,   0, 249, 60, 15,  205, 0,   0,  0,   23,  73,  68, 65,
    84,  120, 156, 5,  193, 177, 1,   0,   0, 0,   1,  160, 140, 254, 63, 152, 130, 145, 65, 113,
    22,  41,  2,   9,  121, 125, 220, 205, 0, 0,   0,  0,   73,  69,  78, 68,  174, 66,  96, 130};
/// 3x1, 16 bits a pixel: 0, 1, 256.
const std::vector<uint8_t> kGrey16Png = {
    137, 80, 78,  71,  13,  10,  26,  10, 0,  0,  0,  13,  73,  72,  68,  82, 0,  0,
    0,   3,  0,   0,   0,   1,   16,  0,  0,  0,  0,  110, 27,  151, 43,  0,  0,  0,
    15,  73, 68,  65,  84,  120, 156, 99, 96, 96, 96, 96,  100, 100, 0,   0,  0,  12,
    0,   3,  197, 127, 198, 61,  0,   0,  0,  0,  73, 69,  78,  68,  174, 66, 96, 130};

} // namespace

TEST_F(ImageTest, PngKeepsEveryByte) {
  Image image = counting(5, 3);
  ASSERT_TRUE(writeImagePng(dir / "a.png", image));
  auto read = readImage(dir / "a.png");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(*read, image);
}

TEST_F(ImageTest, MaskPngIsZeroAnd255) {
  Mask mask = maskOf({"#..", ".##"});
  ASSERT_TRUE(writeMaskPng(dir / "m.png", mask));
  EXPECT_EQ(*readMask(dir / "m.png"), mask);
  auto grey = readImage(dir / "m.png");
  EXPECT_EQ(grey->at(0, 0)[1], 255);
  EXPECT_EQ(grey->at(1, 0)[1], 0);
}

TEST_F(ImageTest, GifMaskGoesByPaletteIndex) {
  writeGif(dir / "m.gif", 3, 2, {0, 1, 2, 3, 0, 1});
  auto mask = readMask(dir / "m.gif");
  ASSERT_TRUE(mask) << mask.error().text();
  EXPECT_EQ(*mask, maskOf({".##", "#.#"}));
  auto image = readImage(dir / "m.gif");
  ASSERT_TRUE(image);
  EXPECT_EQ(image->at(2, 0)[0], 30) << "blue first";
  EXPECT_EQ(image->at(2, 0)[2], 10);
}

TEST_F(ImageTest, SixteenBitMaskOfOneCounts) {
  // A 16-bit PGM, big-endian by its definition: 0, 1, 256.
  std::string pgm = "P5\n3 1\n65535\n";
  pgm += std::string("\0\0\0\1\1\0", 6);
  ASSERT_TRUE(writeText(dir / "m.pgm", pgm));
  auto mask = readMask(dir / "m.pgm");
  ASSERT_TRUE(mask) << mask.error().text();
  EXPECT_EQ(*mask, maskOf({".##"}));
}

TEST_F(ImageTest, PngMasksGoByColourNotAlphaAtAnyDepth) {
  ASSERT_TRUE(writeFile(dir / "rgba.png", kRgbaPng));
  ASSERT_TRUE(writeFile(dir / "grey16.png", kGrey16Png));
  auto alpha = readMask(dir / "rgba.png"), deep = readMask(dir / "grey16.png");
  ASSERT_TRUE(alpha && deep);
  EXPECT_EQ(*alpha, maskOf({".#.#"}));
  EXPECT_EQ(*deep, maskOf({".##"}));
  EXPECT_EQ(readImage(dir / "grey16.png")->at(2, 0)[1], 1) << "pictures are scaled to 8 bits";
}

TEST_F(ImageTest, JpegEndsWhereItsScansEnd) {
  ASSERT_TRUE(writeFile(dir / "a.jpg", kJpeg));
  auto image = readImage(dir / "a.jpg");
  ASSERT_TRUE(image) << image.error().text();
  EXPECT_NEAR(image->at(7, 7)[1], 120, 1);
  for (size_t keep = 0; keep < kJpeg.size(); keep += 7) {
    ASSERT_TRUE(writeFile(dir / "cut.jpg", std::span(kJpeg).first(keep)));
    EXPECT_FALSE(readImage(dir / "cut.jpg")) << keep << " of " << kJpeg.size() << " bytes";
  }
  // What a phone appends may look like the start of a scan.
  std::vector<uint8_t> longer = kJpeg;
  longer.insert(longer.end(), {0, 0xFF, 0xDA, 1, 2, 3});
  ASSERT_TRUE(writeFile(dir / "film.jpg", longer));
  auto film = readImage(dir / "film.jpg");
  ASSERT_TRUE(film) << film.error().text();
  EXPECT_EQ(*film, *image);
}

TEST_F(ImageTest, BrokenFilesAreNamed) {
  ASSERT_TRUE(writeImagePng(dir / "a.png", counting(40, 30)));
  writeGif(dir / "a.gif", 40, 30, std::vector<uint8_t>(1200, 1));
  for (const char *name : {"a.png", "a.gif"}) {
    auto bytes = *readFile(dir / name);
    for (size_t keep : {size_t(0), size_t(5), bytes.size() / 2, bytes.size() - 14}) {
      fs::path cut = dir / ("cut" + fs::path(name).extension().string());
      ASSERT_TRUE(writeFile(cut, std::span(bytes).first(keep)));
      auto image = readImage(cut);
      ASSERT_FALSE(image) << name << " cut to " << keep << " bytes of " << bytes.size();
      EXPECT_NE(image.error().text().find(cut.string()), std::string::npos);
      EXPECT_FALSE(readMask(cut));
    }
  }
  EXPECT_FALSE(readImage(dir / "missing.png"));
  EXPECT_FALSE(readImage(dir));
  ASSERT_TRUE(writeText(dir / "text.jpg", "this is no picture"));
  EXPECT_FALSE(readImage(dir / "text.jpg"));
}

TEST_F(ImageTest, ListsPicturesByName) {
  for (const char *name : {"b.PNG", "a.jpg", "note.txt", "c.gif"})
    ASSERT_TRUE(writeText(dir / name, "x"));
  auto files = listImages(dir);
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 3u);
  EXPECT_EQ((*files)[0].filename(), "a.jpg");
  EXPECT_EQ((*files)[2].filename(), "c.gif");
  EXPECT_FALSE(listImages(dir / "none"));
}

TEST(Preprocess, MeanBeforeScaleInTheNetworksOrder) {
  Image image(1, 1);
  image.pixels = {10, 20, 30};
  Preprocess recipe;
  recipe.mean = {1, 2, 3};
  recipe.scale = {2, 4, 8};
  auto bgr = preprocess(image, recipe, 3, 1, 1);
  ASSERT_TRUE(bgr);
  EXPECT_EQ(bgr->shape(), (Shape{1, 3, 1, 1}));
  EXPECT_EQ(bgr->as<float>()[0], (10 - 1) * 2);
  EXPECT_EQ(bgr->as<float>()[2], (30 - 3) * 8);
  recipe.pixelFormat = "rgb";
  auto rgb = preprocess(image, recipe, 3, 1, 1);
  EXPECT_EQ(rgb->as<float>()[0], (30 - 1) * 2);
  EXPECT_EQ(rgb->as<float>()[2], (10 - 3) * 8);
}

TEST(Preprocess, InterpolatesBetweenPixelCentresInEitherLayout) {
  Image image(2, 1);
  image.pixels = {0, 0, 0, 100, 200, 40};
  // Centres of 4 pixels on 2: -0.25, 0.25, 0.75, 1.25, held at the ends.
  const float blue[] = {0, 25, 75, 100}, red[] = {0, 10, 30, 40};
  Preprocess recipe;
  auto nchw = preprocess(image, recipe, 3, 1, 4);
  recipe.channelFormat = "nhwc";
  auto nhwc = preprocess(image, recipe, 3, 1, 4);
  ASSERT_TRUE(nchw && nhwc);
  EXPECT_EQ(nhwc->shape(), (Shape{1, 1, 4, 3}));
  for (int x = 0; x < 4; ++x) {
    EXPECT_EQ(nchw->as<float>()[x], blue[x]);
    EXPECT_EQ(nchw->as<float>()[8 + x], red[x]);
    EXPECT_EQ(nhwc->as<float>()[x * 3], blue[x]);
    EXPECT_EQ(nhwc->as<float>()[x * 3 + 2], red[x]);
  }
}

TEST(Preprocess, NumbersOutOfRangeAreNamed) {
  Preprocess recipe;
  recipe.padValue = 256;
  recipe.scale = {1, std::nan(""), 1};
  auto status = checkPreprocess(recipe, 3);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text().find("pad_value"), std::string::npos);
  EXPECT_NE(status.error().text().find("scale"), std::string::npos);
}

TEST(Preprocess, LetterboxPadsAroundOrBehind) {
  Image image(4, 2);
  std::fill(image.pixels.begin(), image.pixels.end(), 200);
  Preprocess recipe;
  recipe.keepAspectRatio = true;
  recipe.padValue = 7;
  auto rows = [&] {
    auto t = preprocess(image, recipe, 3, 4, 4);
    EXPECT_TRUE(t);
    std::vector<int> r;
    for (int y = 0; y < 4; ++y)
      r.push_back(int(t->as<float>()[y * 4]));
    return r;
  };
  EXPECT_EQ(rows(), (std::vector<int>{7, 200, 200, 7}));
  recipe.padType = "normal";
  EXPECT_EQ(rows(), (std::vector<int>{200, 200, 7, 7}));
}

TEST(Preprocess, CropsTheMiddleOfALargerResize) {
  Image image(4, 4);
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 4; ++x)
      image.at(x, y)[0] = uint8_t(y * 4 + x);
  Preprocess recipe;
  recipe.resizeDims = {4, 4};
  auto t = preprocess(image, recipe, 3, 2, 2);
  ASSERT_TRUE(t);
  auto v = t->as<float>();
  EXPECT_EQ((std::vector<float>(v.begin(), v.begin() + 4)), (std::vector<float>{5, 6, 9, 10}));
  EXPECT_FALSE(preprocess(image, recipe, 3, 8, 8)) << "a crop cannot enlarge";
}

TEST(Preprocess, RecipeSurvivesJsonAndMistakesAreNamed) {
  Preprocess recipe;
  recipe.mean = {1, 2, 3};
  recipe.pixelFormat = "rgb";
  recipe.keepAspectRatio = true;
  recipe.resizeDims = {160, 240};
  EXPECT_EQ(*preprocessFromJson(toJson(recipe)), recipe);
  EXPECT_FALSE(preprocessFromJson({{"mean", "many"}}));
  recipe.pixelFormat = "cmyk";
  recipe.padType = "left";
  auto status = checkPreprocess(recipe, 3);
  ASSERT_FALSE(status);
  EXPECT_GE(status.error().diagnostics().size(), 2u) << "all mistakes at once";
}

// The vendor's own transform of one photograph: every float must be the same.
TEST(Preprocess, EqualsTheVendorsTransform) {
  fs::path shared = TESSERA_SHARED_DIR;
  fs::path expected = shared / "oracle/cases/unet8_int8/u8_in_f32.npz";
  if (!fs::exists(expected))
    GTEST_SKIP() << "the vendor's files are not here: " << expected;
  auto files = listImages(shared / "data/carvana/calib");
  ASSERT_TRUE(files) << files.error().text();
  auto image = readImage(files->front());
  ASSERT_TRUE(image) << image.error().text();
  Preprocess recipe;
  recipe.scale = {0.0039216, 0.0039216, 0.0039216};
  recipe.pixelFormat = "rgb";
  auto ours = preprocess(*image, recipe, 3, 160, 240);
  ASSERT_TRUE(ours);
  auto theirs = readNpz(expected);
  ASSERT_TRUE(theirs);
  auto a = ours->as<float>();
  auto b = theirs->begin()->second.as<float>();
  ASSERT_EQ(a.size(), b.size());
  size_t differing = 0;
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    differing += a[i] != b[i];
    worst = std::max(worst, std::abs(double(a[i]) - b[i]));
  }
  EXPECT_EQ(differing, 0u) << "worst " << worst << " = " << worst / 0.0039216 << " grey levels";
}

TEST(DecideMask, TwoChannelsCompareOneHasAThreshold) {
  float two[] = {0, 1, 5, -2, /**/ 0, 2, 4, -1};
  Tensor t = Tensor::of<float>({1, 2, 2, 2}, two);
  EXPECT_EQ(*decideMask(t, MaskRule::Logits, {}, 2, 2), maskOf({".#", ".#"}));
  EXPECT_EQ(decideMask(t, MaskRule::Logits, 1.0, 2, 2)->area(), 0);
  float one[] = {0.4f, 0.5f, 0.6f, -1};
  Tensor s = Tensor::of<float>({1, 1, 2, 2}, one);
  EXPECT_EQ(*decideMask(s, MaskRule::Logits, {}, 2, 2), maskOf({"##", "#."}));
  EXPECT_EQ(*decideMask(s, MaskRule::Probability, {}, 2, 2), maskOf({"..", "#."}));
  EXPECT_EQ(*decideMask(Tensor::of<float>({2, 2}, one), MaskRule::Classes, {}, 2, 2),
            maskOf({"##", "#."}));
  EXPECT_FALSE(decideMask(Tensor(DType::F32, {1, 3, 2, 2}), MaskRule::Logits, {}, 2, 2));
}

TEST(DecideMask, LogitsAreInterpolatedBeforeTheThreshold) {
  // Half-pixel centres: -3 and 1 at four places give -3, -2, 0, 1; only the last is above 0.
  float v[] = {-3, 1};
  Tensor t = Tensor::of<float>({1, 1, 1, 2}, v);
  EXPECT_EQ(*decideMask(t, MaskRule::Logits, {}, 4, 1), maskOf({"...#"}));
  EXPECT_EQ(*decideMask(t, MaskRule::Classes, {}, 4, 1), maskOf({"..##"}));
}

TEST(CleanUp, EachStepDoesItsWork) {
  Mask m = maskOf({"##...", "#.#..", "###.#", ".....", "....#"});
  EXPECT_EQ(cleanUp(m, {}), m);
  EXPECT_EQ(cleanUp(m, {.largestComponent = true}),
            maskOf({"##...", "#.#..", "###..", ".....", "....."}));
  // The hole's only way out is diagonal, so it is one.
  EXPECT_EQ(cleanUp(m, {.fillHoles = true}), maskOf({"##...", "###..", "###.#", ".....", "....#"}));
  Mask speck = maskOf({".......", ".###...", ".###.#.", ".###...", "......."});
  EXPECT_EQ(cleanUp(speck, {.opening = 3}).at(5, 2), 0);
  EXPECT_EQ(cleanUp(speck, {.opening = 3}).at(2, 2), 1);
  EXPECT_EQ(cleanUp(speck, {.median = 3}).at(5, 2), 0);
  EXPECT_EQ(cleanUp(speck, {.median = 3}).at(2, 2), 1);
  EXPECT_EQ(cleanUp(Mask(4, 4), {.largestComponent = true, .fillHoles = true}).area(), 0);
}

TEST(Score, DiceAndIou) {
  Mask a = maskOf({"##.."}), b = maskOf({".##."}), none = maskOf({"...."});
  EXPECT_DOUBLE_EQ(dice(a, b), 0.5);
  EXPECT_DOUBLE_EQ(iou(a, b), 1.0 / 3);
  EXPECT_EQ(dice(none, none), 1);
  EXPECT_EQ(iou(none, none), 1);
  EXPECT_EQ(dice(a, none), 0);
}

TEST(SideBySide, ShowsErrorsInTheirColours) {
  SideBySideRow row{Image(4, 4), Mask(4, 4), {}, Mask(4, 4)};
  row.truth.at(0, 0) = 1; // missed: blue
  row.mask.at(3, 3) = 1;  // too much: red
  Image picture = sideBySide({row}, {}, 40);
  int red = 0, blue = 0;
  for (int y = 0; y < picture.height; ++y)
    for (int x = 0; x < picture.width; ++x) {
      const uint8_t *p = picture.at(x, y);
      red += p[2] > 200 && p[0] < 50 && p[1] < 60;
      blue += p[0] > 200 && p[2] < 50 && p[1] < 60;
    }
  EXPECT_EQ(red, 100);
  EXPECT_EQ(blue, 100);
}
