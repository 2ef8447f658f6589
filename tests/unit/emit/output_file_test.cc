#include "compiler/emit/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/temporary_folder.h"

namespace ingot {
namespace {

namespace fs = std::filesystem;

bool isEmpty(const test::TemporaryFolder& folder) { return fs::is_empty(folder.path()); }

TEST(OutputFile, AppearsWholeAtCommit) {
  test::TemporaryFolder folder;
  std::string text = "hello";
  {
    auto file = OutputFile::create(folder / "out", 8);
    ASSERT_TRUE(file.ok()) << file.status().message();
    ASSERT_TRUE(file->write(1, std::as_bytes(std::span(text))).ok());
    EXPECT_FALSE(fs::exists(folder / "out"));
    ASSERT_TRUE(file->commit().ok());
  }
  EXPECT_EQ(test::readFile(folder / "out"), std::string("\0hello\0\0", 8));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(OutputFile, LeavesNothingWithoutCommit) {
  test::TemporaryFolder folder;
  { ASSERT_TRUE(OutputFile::create(folder / "out", 100).ok()); }
  EXPECT_TRUE(isEmpty(folder));
}

TEST(OutputFile, KeepsTheOldFileUntilCommit) {
  test::TemporaryFolder folder;
  test::writeFile(folder / "out", "old");
  { ASSERT_TRUE(OutputFile::create(folder / "out", 100).ok()); }
  EXPECT_EQ(test::readFile(folder / "out"), "old");
}

TEST(OutputFile, NamesAFolderThatIsNotThere) {
  test::TemporaryFolder folder;
  auto file = OutputFile::create(folder.path() / "no" / "out", 8);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.status().code(), StatusCode::io);
  EXPECT_THAT(file.status().message(), ::testing::HasSubstr("no/out: cannot be written"));
}

TEST(OutputFile, ADirectoryInItsPlaceStays) {
  test::TemporaryFolder folder;
  fs::create_directory(folder / "out");
  {
    auto file = OutputFile::create(folder / "out", 8);
    if (file.ok()) {
      EXPECT_FALSE(file->commit().ok());
    }
  }
  EXPECT_TRUE(fs::is_directory(folder / "out"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

// More than the process may write stands for a full disk: found before any work, and nothing stays.
TEST(OutputFile, FindsAFullDiskBeforeTheWork) {
  test::TemporaryFolder folder;
  auto oldHandler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit small{4096, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  auto file = OutputFile::create(folder / "out", 1 << 20);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, oldHandler);
  ASSERT_FALSE(file.ok());
  EXPECT_THAT(file.status().message(), ::testing::HasSubstr("out"));
  EXPECT_TRUE(isEmpty(folder));
}

}  // namespace
}  // namespace ingot
