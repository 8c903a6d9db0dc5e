#include "tessera/image/image.h"
#include "tessera/image/mask.h"
#include "tessera/image/preprocess.h"
#include "tessera/image/side_by_side.h"
#include "tessera/support/file.h"
#include "tessera/tensor/npz.h"

#include <cmath>
#include <gif_lib.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace tessera;

namespace {

struct ImageTest : testing::Test {
  fs::path dir = fs::temp_directory_path() / ("tessera_image_" + std::to_string(::getpid()));
  void SetUp() override { fs::create_directories(dir); }
  void TearDown() override { fs::remove_all(dir); }
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
