#include "tessera/debug/show.h"

#include <cmath>
#include <gmock/gmock.h>

namespace tessera::debug {
namespace {

using ::testing::HasSubstr;

Tensor counting(Shape shape) {
  Tensor t(DType::F32, std::move(shape));
  for (int64_t i = 0; i < t.count(); ++i)
    t.as<float>()[size_t(i)] = float(i);
  return t;
}

TEST(Show, ArraysSayTheirRangeAndShortenLongAxes) {
  std::string s = arrayText(counting({2, 100}));
  EXPECT_THAT(s, HasSubstr("f32 2x100, 0 to 199, mean 99.5"));
  EXPECT_THAT(s, HasSubstr("..."));
  EXPECT_THAT(s, HasSubstr("199]"));
  Tensor bad = counting({3});
  bad.as<float>()[1] = NAN;
  EXPECT_THAT(arrayText(bad), HasSubstr("1 NaN"));
}

TEST(Show, SlicesByIndexAndRange) {
  Tensor t = counting({2, 3, 4});
  auto s = sliced(t, "[1, 0:2, :]");
  ASSERT_TRUE(s) << s.error().text();
  EXPECT_EQ(s->shape(), (Shape{2, 4}));
  EXPECT_EQ(s->as<float>()[5], 17.0f);
  EXPECT_EQ(sliced(t, "[1]")->as<float>()[0], 12.0f);
  for (const char *text :
       {"[2]", "[0,0,0,0]", "[1:1]", "[x]", "[-1]", "[", "1]", "[]", "[99999999999]"})
    EXPECT_FALSE(sliced(t, text)) << text;
}

TEST(Show, PicturesTileTheChannels) {
  auto p = pictureOf(counting({1, 4, 10, 10}));
  ASSERT_TRUE(p) << p.error().text();
  EXPECT_EQ(p->width, 21);
  EXPECT_EQ(p->height, 21);
  EXPECT_EQ(p->at(0, 0)[0], 0);
  EXPECT_EQ(p->at(20, 20)[0], 255);
  EXPECT_EQ(p->at(10, 0)[0], 64); // the gap
  EXPECT_EQ(pictureOf(counting({5}))->width, 5);
  EXPECT_FALSE(pictureOf(counting({20000})));
}

} // namespace
} // namespace tessera::debug
