#include "tessera/bmodel/bmodel.h"
#include "tessera/support/file.h"
#include "tessera/support/testing.h"

#include <gtest/gtest.h>
#include <iostream>
#include <random>

namespace tessera::bmodel {
namespace {

namespace fs = std::filesystem;

Model small() {
  Model m;
  m.time = "Thu Jan  1 00:00:00 1970";
  m.neuronSize = 8192;
  m.recipe = {{"mean", {1.5, 2, 3}}, {"name", "träger"}};
  Stage s;
  s.inputs = {{"in", DType::I8, {1, 3, 4, 5}, 0x100002000, 60, 0.5f, 0}};
  s.outputs = {{"out", DType::F32, {1, 2, 4, 5}, 0x100003000, 160, 1.f, -3}};
  s.coeffAddress = 0x100000000;
  s.coeff = std::vector<uint8_t>(5000, 7);
  s.ctxAddress = 0x100002000;
  s.ctxSize = 8192;
  s.ctxSizes = {8192};
  TensorInfo between{"mid", DType::U8, {1, 2}, 0x100002800, 2, 1.f, 0};
  CommandGroup g{std::vector<uint8_t>(256, 1), std::vector<uint8_t>(128, 2), 3, 2};
  CommandGroup h{{}, std::vector<uint8_t>(128, 2), 0, 2};
  s.subnets = {{0, 0, false, {g, h}, s.inputs, {between}, {1}},
               {1, 0, false, {g}, {between}, s.outputs, {}}};
  Stage t = s;
  t.inputs[0].shape = {2, 3, 2, 5};
  m.nets = {{"first", {s, t}, 0}, {"second", {s}, 1}};
  return m;
}

TEST(Bmodel, RoundTrip) {
  Model m = small();
  auto bytes = serialize(m);
  ASSERT_TRUE(bytes) << bytes.error().text();
  auto back = parse(*bytes, "x");
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_TRUE(*back == m) << infoText(*back) << infoText(m);
  EXPECT_EQ(serialize(*back).value(), *bytes);
  // Three stages of equal coefficients and streams: stored once.
  EXPECT_LT(bytes->size(), 28'000u);
  for (size_t i = 16; i < 64; ++i)
    EXPECT_EQ((*bytes)[i], 0);
  m.recipe = nullptr;
  auto plain = parse(serialize(m).value(), "x");
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->recipe.is_null());
}

TEST(Bmodel, FileAndTime) {
  ScratchFolder dir;
  Model m = small();
  m.time.clear();
  ::setenv("SOURCE_DATE_EPOCH", "86400", 1);
  ASSERT_TRUE(write(dir / "m.bmodel", m));
  ::unsetenv("SOURCE_DATE_EPOCH");
  auto back = read(dir / "m.bmodel");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->time, "Fri Jan  2 00:00:00 1970");
  EXPECT_EQ(parse(serialize(m).value(), "x")->time, "Thu Jan  1 00:00:00 1970");
  EXPECT_FALSE(read(dir / "none.bmodel"));
}

TEST(Bmodel, SelectKeepsOneNetWithItsStageInFront) {
  Model m = small();
  EXPECT_TRUE(select(m, {"first", {{2, 3, 2, 5}}}, "x"));
  ASSERT_EQ(m.nets.size(), 1u);
  ASSERT_EQ(m.nets[0].stages.size(), 2u);
  EXPECT_EQ(m.nets[0].stages[0].inputs[0].shape, (Shape{2, 3, 2, 5}));
  EXPECT_EQ(m.nets[0].stages[1].inputs[0].shape, (Shape{1, 3, 4, 5}));
  EXPECT_TRUE(select(m, {}, "x")) << "there is only one now";
  auto said = [](const Selection &s) {
    Model all = small();
    Status status = select(all, s, "x.bmodel");
    return status ? std::string("accepted") : status.error().text();
  };
  EXPECT_EQ(said({}), "x.bmodel: error[unknown-net]: holds 2 networks; name the one to run with "
                      "--net: it holds 'first', 'second'");
  EXPECT_EQ(said({"third", {}}), "x.bmodel: error[unknown-net]: has no network 'third'; it holds "
                                 "'first', 'second'");
  EXPECT_EQ(said({"first", {{7}}}),
            "x.bmodel: error[shape-mismatch]: is not compiled for input shapes 7; it is for "
            "(1x3x4x5), (2x3x2x5)");
}

TEST(Bmodel, RefusesLocated) {
  Model m = small();
  auto good = serialize(m).value();
  auto message = [](std::span<const uint8_t> b) {
    auto r = parse(std::vector(b.begin(), b.end()), "file.bmodel");
    return r ? std::string("accepted") : r.error().text();
  };
  auto has = [](const std::string &s, const char *part) {
    return s.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(message({}), "file.bmodel: error[bad-file]: 0 bytes"));
  auto bad = good;
  bad[0] ^= 1;
  EXPECT_TRUE(has(message(bad), "not a bmodel"));
  bad = good;
  bad[15] = 0x7F; // blob size
  EXPECT_TRUE(has(message(bad), "the file was cut off"));
  bad = good;
  uint32_t flat = bad[8] | bad[9] << 8;
  bad[64 + flat + 17] ^= 1; // a coefficient
  EXPECT_TRUE(has(message(bad), "SHA-256")) << message(bad);
  EXPECT_TRUE(has(message(bad), "net 'first', stage 0"));
  // A blob shorter than its parts: the ranges are named.
  bad = good;
  bad[12] = 100, bad[13] = 0;
  EXPECT_TRUE(has(message(bad), "of a blob of 100")) << message(bad);
  bad = good;
  bad[bad.size() - 9] = 1; // length of the recipe
  EXPECT_TRUE(has(message(bad), "recipe")) << message(bad);

  m.nets[0].stages[0].subnets[0].groups[0].tiu.resize(100);
  m.nets[0].stages[0].inputs[0].dtype = DType::F64;
  auto r = serialize(m);
  ASSERT_FALSE(r);
  EXPECT_TRUE(has(r.error().text(), "f64")) << r.error().text();
  EXPECT_TRUE(
      has(r.error().text(), "subnet 0, command group 0: error[bad-model]: a TIU stream of 100"));
  EXPECT_FALSE(serialize(Model()));
}

TEST(Bmodel, RefusesADeeplyNestedRecipe) {
  Model m = small();
  m.recipe = nullptr;
  auto bytes = serialize(m).value();
  for (uint64_t depth : {60u, 500'000u}) {
    auto nested = bytes;
    nested.insert(nested.end(), depth, '[');
    nested.insert(nested.end(), depth, ']');
    for (int i = 0; i < 8; ++i)
      nested.push_back(uint8_t(2 * depth >> 8 * i));
    for (char c : std::string("TSRrecp1"))
      nested.push_back(uint8_t(c));
    auto r = parse(nested, "x");
    ASSERT_EQ(r.has_value(), depth == 60);
    EXPECT_EQ(!r && r.error().text().find("nested deeper than 64") != std::string::npos,
              depth != 60);
  }
}

TEST(Bmodel, DamageIsAnErrorNeverACrash) {
  auto good = serialize(small()).value();
  uint32_t seed = std::random_device{}();
  if (const char *s = std::getenv("TESSERA_SEED"))
    seed = static_cast<uint32_t>(std::stoul(s));
  std::cout << "seed " << seed << " (repeat with TESSERA_SEED)\n";
  std::mt19937 random(seed);
  uint32_t flat = good[8] | good[9] << 8;
  for (size_t n = 0; n < 64 + flat; n += 3)
    EXPECT_FALSE(parse(std::vector(good.begin(), good.begin() + n), "x"));
  int refused = 0;
  for (int i = 0; i < 20000; ++i) {
    auto bad = good;
    for (int k = 1 + static_cast<int>(random() % 3); k > 0;
         --k) // mostly in the tables, where it hurts
      bad[random() % (i % 4 ? 64 + flat : bad.size())] = static_cast<uint8_t>(random());
    auto r = parse(bad, "x");
    refused += !r;
    if (r) {
      (void)infoText(*r);
      (void)infoJson(*r).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
      (void)serialize(*r);
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Bmodel, Info) {
  std::string text = infoText(small());
  for (const char *part : {"net second, stage 0", "input  in: i8 1x3x4x5, scale 0.5",
                           "coeff 5000 bytes", "2 groups, 3 TIU and 4 GDMA commands", "träger"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  auto json = infoJson(small());
  EXPECT_EQ(json["nets"][0]["stages"][1]["inputs"][0]["shape"], (Shape{2, 3, 2, 5}));
}

TEST(Bmodel, ReadsTheVendorsFiles) {
  fs::path cases = fs::path(TESSERA_SHARED_DIR) / "oracle/cases";
  if (!fs::exists(cases))
    GTEST_SKIP() << cases << " is absent: the vendor's files are not part of the project";
  int files = 0;
  for (const auto &e : fs::recursive_directory_iterator(cases)) {
    if (e.path().extension() != ".bmodel")
      continue;
    auto m = read(e.path());
    ASSERT_TRUE(m) << m.error().text();
    ASSERT_EQ(m->nets.size(), 1u);
    const Stage &s = m->nets[0].stages.at(0);
    EXPECT_EQ(m->chip, "BM1684X");
    EXPECT_EQ(s.inputs.size(), 1u);
    EXPECT_GT(s.coeff.size(), 0u);
    EXPECT_TRUE(m->recipe.is_null());
    ASSERT_EQ(s.subnets.size(), 1u);
    EXPECT_GT(s.subnets[0].groups.at(0).tiuCount, 10u);
    auto again = parse(serialize(*m).value(), "written again");
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_TRUE(*again == *m) << e.path();
    ++files;
  }
  EXPECT_GE(files, 8);
}

} // namespace
} // namespace tessera::bmodel
