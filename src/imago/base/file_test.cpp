#include "imago/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "imago/base/error.h"

namespace imago {
namespace {

namespace fs = std::filesystem;

class File : public testing::Test {
 protected:
  File() : folder_(fs::path(testing::TempDir()) / "imago_file_test") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~File() override { fs::remove_all(folder_); }
  std::string path(const char* name) const { return (folder_ / name).string(); }

  fs::path folder_;
};

TEST_F(File, WritesAndReadsBack) {
  const std::string text(200000, 'x');
  write_file_atomically(path("a"), text);
  EXPECT_EQ(read_file(path("a")), text);
  EXPECT_EQ(MappedFile::open(path("a")).text(), text);
  write_file_atomically(path("a"), "");
  EXPECT_EQ(read_file(path("a")), "");
  EXPECT_EQ(MappedFile::open(path("a")).text(), "");
}

TEST_F(File, AFailedWriteLeavesTheOldFileAndNoTemporary) {
  write_file_atomically(path("a"), "old");
  EXPECT_THROW(write_file_atomically(path("a"),
                                     [](FileWriter& writer) {
                                       writer.write("new");
                                       throw Error(ErrorKind::kInternal, "test", "stop");
                                     }),
               Error);
  EXPECT_EQ(read_file(path("a")), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

TEST_F(File, ReadsFilesWhoseSizeIsNotTold) { EXPECT_FALSE(read_file("/proc/self/stat").empty()); }

TEST_F(File, KeepsToTheLimit) {
  write_file_atomically(path("a"), "12345");
  EXPECT_EQ(read_file(path("a"), 5), "12345");
  EXPECT_THROW(read_file(path("a"), 4), Error);
}

TEST_F(File, RefusesWhatIsNoRegularFile) {
  EXPECT_THROW(read_file(path("missing")), Error);
  EXPECT_THROW(MappedFile::open(folder_.string()), Error);
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_THROW(read_file(path("pipe")), Error);
}

}  // namespace
}  // namespace imago
