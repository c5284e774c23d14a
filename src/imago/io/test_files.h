// What the tests of this layer share: temporary folders, the committed files of testdata/, and expected errors.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "imago/base/error.h"
#include "imago/base/file.h"

namespace imago {

inline std::string testdata(const std::string& name) { return IMAGO_SOURCE_DIR "/src/imago/io/testdata/" + name; }

// A folder that is removed with its files.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "imago_io_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, std::string_view bytes) const {
    const std::string path = *this / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    write_file_atomically(path, bytes);
    return path;
  }

 private:
  std::string path_;
};

// Runs `action`, which must throw an Error of that kind whose text contains `text`.
template <class Action>
void expect_error(ErrorKind kind, const std::string& text, Action&& action) {
  try {
    action();
    ADD_FAILURE() << "no error, expected one about " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    EXPECT_THAT(error.what(), testing::HasSubstr(text));
  }
}

}  // namespace imago
