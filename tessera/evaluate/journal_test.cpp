#include "tessera/evaluate/journal.h"

#include "tessera/support/file.h"
#include "tessera/support/testing.h"

#include <fstream>
#include <gtest/gtest.h>

namespace tessera::evaluate {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

class JournalTest : public testing::Test {
protected:
  ScratchFolder folder;
  Json run{{"model", "1a"}, {"mask", nullptr}};

  void SetUp() override {
    ASSERT_TRUE(writeText(input(), "in"));
    ASSERT_TRUE(writeText(output(), "out"));
  }
  fs::path input() const { return folder / "a.png"; }
  fs::path output() const { return folder / "a.npz"; }
  void finishOne() {
    auto j = Journal::open(folder, run, Journal::Start::Fresh);
    ASSERT_TRUE(j) << j.error().text();
    ASSERT_TRUE(j->add(input(), {output()}));
  }
  std::string refusal(Journal::Start start) {
    auto j = Journal::open(folder, run, start);
    return j ? "" : j.error().diagnostics().front().code;
  }
};

TEST_F(JournalTest, FinishedInputsAreKnownAgain) {
  finishOne();
  auto j = Journal::open(folder, run, Journal::Start::Resume);
  ASSERT_TRUE(j) << j.error().text();
  EXPECT_EQ(j->size(), 1u);
  EXPECT_TRUE(j->has(input(), {output()}));
  EXPECT_FALSE(j->has(folder / "b.png", {output()}));
  ASSERT_TRUE(writeText(output(), "cut off"));
  EXPECT_FALSE(j->has(input(), {output()}));
}

TEST_F(JournalTest, AChangedInputIsRunAgain) {
  finishOne();
  fs::last_write_time(input(), fs::last_write_time(input()) + std::chrono::seconds(1));
  EXPECT_FALSE(Journal::open(folder, run, Journal::Start::Resume)->has(input(), {output()}));
}

TEST_F(JournalTest, LinksToOneFileAreInputsOfTheirOwn) {
  fs::path b = folder / "b.png", made = folder / "b.npz";
  fs::create_symlink(input(), b);
  ASSERT_TRUE(writeText(made, "other"));
  finishOne();
  {
    auto j = Journal::open(folder, run, Journal::Start::Resume);
    ASSERT_TRUE(j && j->add(b, {made}));
  }
  auto j = Journal::open(folder, run, Journal::Start::Resume);
  ASSERT_TRUE(j);
  EXPECT_TRUE(j->has(input(), {output()}));
  EXPECT_TRUE(j->has(b, {made}));
}

TEST_F(JournalTest, ALineCutOffByAKillIsDropped) {
  finishOne();
  std::ofstream(folder / kJournalName, std::ios::app) << "{\"input\": \"x";
  {
    auto j = Journal::open(folder, run, Journal::Start::Resume);
    ASSERT_TRUE(j);
    EXPECT_EQ(j->size(), 1u);
    ASSERT_TRUE(j->add(folder / "a.png", {output()}));
  }
  EXPECT_TRUE(Journal::open(folder, run, Journal::Start::Resume)->has(input(), {output()}));
}

TEST_F(JournalTest, AnotherRunIsRefused) {
  finishOne();
  EXPECT_EQ(refusal(Journal::Start::Fresh), "not-empty");
  run["model"] = "2b";
  EXPECT_EQ(refusal(Journal::Start::Resume), "other-run");
  EXPECT_EQ(refusal(Journal::Start::Overwrite), "");
  EXPECT_EQ(Journal::open(folder, run, Journal::Start::Resume)->size(), 0u);
}

TEST_F(JournalTest, OneProcessWritesAtATime) {
  auto first = Journal::open(folder, run, Journal::Start::Fresh);
  ASSERT_TRUE(first);
  EXPECT_EQ(refusal(Journal::Start::Resume), "busy");
}

} // namespace
} // namespace tessera::evaluate
