#include "tessera/support/file.h"
#include "tessera/support/testing.h"
#include "tessera/tensor/compare.h"
#include "tessera/tensor/npz.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

namespace tessera {
namespace {

namespace fs = std::filesystem;

class TensorFiles : public testing::Test {
protected:
  ScratchFolder dir_;
};

// Without the flush of writeFile, which is most of the time of thousands of small files.
void plainWrite(const fs::path &path, std::span<const uint8_t> bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char *>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

Tensor ramp(DType t, Shape shape) {
  Tensor f(DType::F32, std::move(shape));
  auto v = f.as<float>();
  for (size_t i = 0; i < v.size(); ++i)
    v[i] = static_cast<float>(i % 100);
  return f.converted(t);
}

std::vector<uint8_t> npyBytes(std::string dict, std::vector<uint8_t> data, uint8_t major = 1) {
  std::string s = "\x93NUMPY";
  s += static_cast<char>(major);
  s += '\0';
  size_t n = dict.size();
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i, n >>= 8)
    s += static_cast<char>(n & 0xFF);
  s += dict;
  std::vector<uint8_t> b(s.begin(), s.end());
  b.insert(b.end(), data.begin(), data.end());
  return b;
}

TEST_F(TensorFiles, EveryTypeGoesThroughNpyAndNpz) {
  TensorMap map;
  for (int i = 0; i <= static_cast<int>(DType::Bool); ++i) {
    DType t = static_cast<DType>(i);
    Tensor x = ramp(t, i % 2 ? Shape{2, 3, 5} : Shape{7});
    ASSERT_TRUE(writeNpy(dir_ / "x.npy", x));
    auto y = readNpy(dir_ / "x.npy");
    ASSERT_TRUE(y) << y.error().text();
    EXPECT_EQ(y->dtype(), t == DType::BF16 ? DType::U16 : t); // NumPy has no bfloat16
    EXPECT_EQ(y->shape(), x.shape());
    EXPECT_TRUE(std::ranges::equal(y->bytes(), x.bytes())) << dtypeName(t);
    map.set(std::string("a/") + dtypeName(t), x);
  }
  map.set("scalar", Tensor(DType::F32, {}));
  map.set("none", Tensor(DType::F32, {3, 0}));
  ASSERT_TRUE(writeNpz(dir_ / "x.npz", map));
  auto back = readNpz(dir_ / "x.npz");
  ASSERT_TRUE(back) << back.error().text();
  ASSERT_EQ(back->size(), map.size());
  auto it = map.begin();
  for (const auto &[name, t] : *back) {
    EXPECT_EQ(name, it->first); // the archive's order is the map's
    EXPECT_EQ(t.shape(), it->second.shape());
    EXPECT_TRUE(std::ranges::equal(t.bytes(), it->second.bytes())) << name;
    ++it;
  }
  // Same tensors, same bytes.
  ASSERT_TRUE(writeNpz(dir_ / "y.npz", *back));
  map.set("a/bf16", *back->find("a/bf16"));
  EXPECT_EQ(readFile(dir_ / "x.npz").value(), readFile(dir_ / "y.npz").value());
  ASSERT_TRUE(writeNpz(dir_ / "empty.npz", {}));
  EXPECT_EQ(readNpz(dir_ / "empty.npz")->size(), 0u);
  EXPECT_FALSE(writeNpy(dir_ / "e.npy", Tensor()));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_), {}), 4) << "a temporary file was left";
}

// The bytes that NumPy 1.24 wrote for numpy.arange(6, dtype="<i2").reshape(2, 3).
TEST_F(TensorFiles, ReadsWhatNumpyWrote) {
  std::string dict = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }";
  dict.resize(117, ' ');
  dict += '\n';
  std::vector<uint8_t> data{0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0};
  for (uint8_t major : {1, 2, 3}) {
    ASSERT_TRUE(writeFile(dir_ / "n.npy", npyBytes(dict, data, major)));
    auto t = readNpy(dir_ / "n.npy");
    ASSERT_TRUE(t) << t.error().text();
    EXPECT_EQ(t->shape(), (Shape{2, 3}));
    EXPECT_EQ(t->as<int16_t>()[5], 5);
    if (major == 1) { // and our writer makes the same file
      ASSERT_TRUE(writeNpy(dir_ / "o.npy", *t));
      EXPECT_EQ(readFile(dir_ / "o.npy").value(), readFile(dir_ / "n.npy").value());
    }
  }
}

TEST_F(TensorFiles, RefusesByName) {
  struct Case {
    std::string dict;
    size_t bytes;
    const char *message;
  };
  const Case cases[] = {
      {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", 4, "big-endian"},
      {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2)}", 8, "Fortran order"},
      {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", 8, "unsupported type"},
      {"{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,)}", 4, "structured"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", 8, "needs 12 bytes"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 8, "needs 4 bytes"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 4, "no tuple"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999)}", 4,
       "impossible shape"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999, 0)}", 0,
       "impossible shape"},
      {"{'descr': '<f4', 'shape': (1,)}", 4, "lacks"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", 4, "closed"},
  };
  for (const Case &c : cases) {
    ASSERT_TRUE(writeFile(dir_ / "n.npy", npyBytes(c.dict, std::vector<uint8_t>(c.bytes))));
    auto t = readNpy(dir_ / "n.npy");
    ASSERT_FALSE(t) << c.dict;
    EXPECT_NE(t.error().text().find(c.message), std::string::npos) << t.error().text();
    EXPECT_NE(t.error().text().find("n.npy"), std::string::npos);
  }
  EXPECT_FALSE(readNpz(dir_ / "missing.npz"));
  EXPECT_FALSE(readNpz(dir_));
  ASSERT_TRUE(writeText(dir_ / "text.npz", "not an archive"));
  EXPECT_FALSE(readNpz(dir_ / "text.npz"));
}

TEST_F(TensorFiles, DamageIsAnErrorNeverACrash) {
  TensorMap map;
  map.set("first", ramp(DType::F32, {4, 5}));
  map.set("second", ramp(DType::U8, {9}));
  ASSERT_TRUE(writeNpz(dir_ / "good.npz", map));
  const std::vector<uint8_t> good = readFile(dir_ / "good.npz").value();
  uint32_t seed = std::random_device{}();
  if (const char *s = std::getenv("TESSERA_SEED"))
    seed = static_cast<uint32_t>(std::stoul(s));
  std::cout << "seed " << seed << " (repeat with TESSERA_SEED)\n";
  std::mt19937 random(seed);
  int refused = 0;
  for (int i = 0; i < 1500; ++i) {
    std::vector<uint8_t> bad = good;
    if (i < static_cast<int>(good.size()))
      bad.resize(i); // every truncation
    else if (i % 10 == 0)
      for (uint8_t &b : bad)
        b = static_cast<uint8_t>(random());
    else
      for (int k = 1 + static_cast<int>(random() % 4); k > 0; --k)
        bad[random() % bad.size()] = static_cast<uint8_t>(random());
    plainWrite(dir_ / "bad.npz", bad);
    auto r = readNpz(dir_ / "bad.npz");
    refused += !r;
    if (i < static_cast<int>(good.size())) {
      EXPECT_FALSE(r) << "truncated to " << i;
    }
    plainWrite(dir_ / "bad.npy", std::span(bad).subspan(std::min<size_t>(bad.size(), 39)));
    (void)readNpy(dir_ / "bad.npy");
  }
  EXPECT_GT(refused, static_cast<int>(good.size()));
}

TEST_F(TensorFiles, FlippedDataFailTheCheckSum) {
  TensorMap map;
  map.set("x", ramp(DType::F32, {64}));
  ASSERT_TRUE(writeNpz(dir_ / "x.npz", map));
  std::vector<uint8_t> bytes = readFile(dir_ / "x.npz").value();
  bytes[30 + 5 + 128 + 100] ^= 1; // inside the data
  ASSERT_TRUE(writeFile(dir_ / "x.npz", bytes));
  auto r = readNpz(dir_ / "x.npz");
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().text().find("CRC"), std::string::npos) << r.error().text();
}

TEST_F(TensorFiles, ReadsTheVendorsArchives) {
  fs::path cases = fs::path(TESSERA_SHARED_DIR) / "oracle/cases";
  if (!fs::exists(cases))
    GTEST_SKIP() << cases << " is absent: the vendor's files are not part of the project";
  int files = 0;
  for (const auto &e : fs::recursive_directory_iterator(cases)) {
    if (e.path().extension() != ".npz")
      continue;
    auto r = readNpz(e.path());
    ASSERT_TRUE(r) << r.error().text();
    EXPECT_GT(r->size(), 0u);
    // What we write of it we read back, byte for byte.
    ASSERT_TRUE(writeNpz(dir_ / "copy.npz", *r));
    auto copy = readNpz(dir_ / "copy.npz");
    ASSERT_TRUE(copy) << copy.error().text();
    ASSERT_EQ(copy->size(), r->size());
    for (const auto &[name, t] : *r) {
      ASSERT_TRUE(copy->contains(name));
      EXPECT_TRUE(std::ranges::equal(copy->find(name)->bytes(), t.bytes()));
    }
    ++files;
  }
  EXPECT_GE(files, 24);
}

TEST(Compare, Formulas) {
  auto a = Tensor::of<float>({4}, std::vector<float>{1, 2, 3, 4});
  auto b = Tensor::of<float>({2, 2}, std::vector<float>{1, 2, 3, 5});
  auto c = compareTensors(a, b);
  ASSERT_TRUE(c);
  EXPECT_EQ(c->count, 4);
  EXPECT_EQ(c->differing, 1);
  EXPECT_EQ(c->worstIndex, 3);
  EXPECT_EQ(c->maxAbsDiff, 1);
  EXPECT_NEAR(c->cosine, 34 / std::sqrt(30.0 * 39.0), 1e-15);
  EXPECT_NEAR(c->euclid, 1 - 1 / std::sqrt(1 + 4 + 9 + 4.5 * 4.5), 1e-15);
  // var(a) * 4 = 5; noise 0 0 0 -1 has var * 4 = 0.75.
  EXPECT_NEAR(c->sqnr, 10 * std::log10(5 / 0.75), 1e-12);
}

TEST(Compare, Borders) {
  const float nan = std::nanf(""), inf = INFINITY;
  auto t = [](std::vector<float> v) {
    return Tensor::of<float>({static_cast<int64_t>(v.size())}, v);
  };
  EXPECT_TRUE(compareTensors(t({1, nan, inf}), t({1, nan, inf}))->equal());
  auto c = compareTensors(t({1, nan}), t({1, 2}));
  EXPECT_EQ(c->differing, 1);
  EXPECT_EQ(c->worstIndex, 1);
  EXPECT_EQ(c->cosine, 0);
  EXPECT_EQ(c->sqnr, -INFINITY);
  EXPECT_EQ(compareTensors(t({inf}), t({-inf}))->maxAbsDiff, INFINITY);
  EXPECT_EQ(compareTensors(t({0, 0}), t({0, 0}))->cosine, 1);
  EXPECT_EQ(compareTensors(t({0, 0}), t({0, 1}))->cosine, 0);
  EXPECT_NEAR(compareTensors(t({1, -1}), t({-1, 1}))->cosine, -1, 1e-15);
  EXPECT_EQ(compareTensors(t({1}), t({1}))->sqnr, INFINITY);
  // Types may differ; values count.
  EXPECT_TRUE(compareTensors(ramp(DType::I8, {50}), ramp(DType::F16, {5, 10}))->equal());
  auto bad = compareTensors(t({1}), t({1, 2}));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().diagnostics()[0].code, "shape-mismatch");
}

TEST(TensorBasics, MapKeepsOrderAndReplaces) {
  TensorMap m;
  m.set("b", Tensor(DType::F32, {1}));
  m.set("a", Tensor(DType::F32, {2}));
  m.set("b", Tensor(DType::I8, {3}));
  ASSERT_EQ(m.size(), 2u);
  EXPECT_EQ(m.begin()->first, "b");
  EXPECT_EQ(m.find("b")->count(), 3);
  m.erase("b");
  EXPECT_EQ(m.find("b"), nullptr);
  EXPECT_EQ(m.find("a")->count(), 2);
}

TEST(TensorBasics, Converts) {
  auto f = Tensor::of<float>({3}, std::vector<float>{-1.5f, 0, 300});
  EXPECT_EQ(f.converted(DType::I16).as<int16_t>()[0], -1);
  EXPECT_EQ(f.converted(DType::Bool).as<uint8_t>()[2], 1);
  EXPECT_EQ(f.converted(DType::F16).as<uint16_t>()[0], 0xBE00);
  EXPECT_EQ(f.converted(DType::F16).converted(DType::F32).as<float>()[2], 300);
  Tensor same = f.reshaped({1, 3});
  same.as<float>()[1] = 7;
  EXPECT_EQ(f.as<float>()[1], 7) << "copies share their buffer";
  EXPECT_EQ(f.clone().bytes().data() == f.bytes().data(), false);
}

} // namespace
} // namespace tessera
