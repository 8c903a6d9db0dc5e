// The saved inputs (saved/TARGET.txt: one for each way to end that fuzzing has met, and all that
// once broke something) come back with an answer.
#include "fuzz/mutate.h"
#include "tessera/support/file.h"

#include <gtest/gtest.h>
#include <random>
#include <set>
#include <sstream>

namespace tessera::fuzz {
namespace {

std::vector<Bytes> bases(std::string_view target) {
  return readBases(std::string(TESSERA_SOURCE_DIR) + "/fuzz/base", target).value();
}

class Saved : public testing::TestWithParam<const Target *> {};

TEST_P(Saved, BreaksNoPromise) {
  auto text = readText(std::string(TESSERA_SOURCE_DIR) + "/fuzz/saved/" +
                       std::string(GetParam()->name) + ".txt");
  ASSERT_TRUE(text) << text.error().text();
  std::vector<Bytes> good = bases(GetParam()->name);
  std::istringstream lines(*text);
  std::string line, changes, how;
  size_t base = 0, played = 0;
  std::set<std::string> endings;
  auto play = [&] {
    if (how.empty())
      return;
    Bytes bytes;
    ASSERT_TRUE(rebuild(good.at(base), changes, bytes)) << how;
    Outcome o = GetParam()->run(bytes);
    ++played;
    EXPECT_EQ(o.broken, "") << how;
    endings.insert(o.signature);
  };
  while (std::getline(lines, line)) {
    if (!line.starts_with("input ")) {
      changes += line + "\n";
      continue;
    }
    play();
    changes.clear();
    std::istringstream in(line);
    std::string word;
    in >> word >> base;
    std::getline(in >> std::ws, how);
  }
  play();
  EXPECT_GE(played, 10u);
  EXPECT_GE(2 * endings.size(), played)
      << "the saved inputs have lost their variety: collect them again";
}

INSTANTIATE_TEST_SUITE_P(, Saved, testing::ValuesIn([] {
                           std::vector<const Target *> list;
                           for (const Target &t : targets())
                             list.push_back(&t);
                           return list;
                         }()),
                         [](const auto &info) { return std::string(info.param->name); });

TEST(Fuzz, DeltaRebuilds) {
  std::vector<Bytes> good = bases("container");
  for (uint64_t i = 0; i < 200; ++i) {
    Bytes broken = input("container", 5, i, good), back;
    ASSERT_TRUE(rebuild(good[0], delta(good[0], broken), back));
    EXPECT_EQ(broken, back) << i;
  }
}

/// A few fresh ones each time; ./dev soak does the million.
TEST(Fuzz, FreshInputsBreakNothing) {
  uint64_t seed = std::random_device{}();
  std::printf("seed %llu\n", (unsigned long long)seed);
  for (const Target &t : targets()) {
    std::vector<Bytes> good = bases(t.name);
    for (uint64_t i = 0; i < 300; ++i)
      EXPECT_EQ(t.run(input(t.name, seed, i, good)).broken, "")
          << t.name << " " << seed << " " << i;
  }
}

} // namespace
} // namespace tessera::fuzz
