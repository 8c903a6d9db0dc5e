#include "tessera/support/file.h"
#include "tessera/support/testing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace tessera;

struct FileTest : testing::Test {
  ScratchFolder dir;
};

TEST_F(FileTest, WritesAndReadsBack) {
  ASSERT_TRUE(writeText(dir / "a.txt", "hello"));
  EXPECT_EQ(*readText(dir / "a.txt"), "hello");
}

TEST_F(FileTest, FailedWriteKeepsWhatWasThere) {
  ASSERT_TRUE(writeText(dir / "a.txt", "old"));
  auto status = writeAtomically(dir / "a.txt", [](const fs::path &temp) -> Status {
    (void)writeText(temp, "half");
    return fail("write-failed", "x", "disk full");
  });
  EXPECT_FALSE(status);
  EXPECT_EQ(*readText(dir / "a.txt"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 1) << "no temporary file may stay";
}

TEST_F(FileTest, MissingFolderIsNamed) {
  auto status = writeText(dir / "none" / "a.txt", "x");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().text().find("does not exist"), std::string::npos);
}

TEST_F(FileTest, FolderInsteadOfFileIsAnError) {
  EXPECT_FALSE(readFile(dir));
  EXPECT_FALSE(writeText(dir, "x"));
}

TEST_F(FileTest, PipesAndDevicesAreWrittenToAndNotReplaced) {
  ASSERT_TRUE(writeText("/dev/null", "gone"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  auto pipe = dir / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_TRUE(writeText(pipe, "through"));
  char text[16] = {};
  EXPECT_EQ(::read(reader, text, sizeof text), 7);
  EXPECT_STREQ(text, "through");
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(pipe));
}
TEST_F(FileTest, PipesAndDevicesAreNotRead) {
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  EXPECT_FALSE(readFile(dir / "pipe")) << "must not wait for a writer";
  EXPECT_FALSE(readFile("/dev/zero"));
}
