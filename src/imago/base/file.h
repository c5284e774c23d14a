// Files: mapped for reading, replaced atomically for writing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace imago {

// A whole file mapped read-only. The bytes live as long as any copy of the handle.
class MappedFile {
 public:
  // Throws Error kNotFound or kIo. A directory or a device is refused.
  static MappedFile open(const std::string& path);

  std::span<const std::byte> bytes() const;
  std::string_view text() const;
  const std::string& path() const;

  // Tells the kernel that the whole file will be read soon (madvise WILLNEED).
  void will_need() const;

 private:
  struct Mapping;
  explicit MappedFile(std::shared_ptr<const Mapping> mapping) : mapping_(std::move(mapping)) {}
  std::shared_ptr<const Mapping> mapping_;
};

// The file's text. Throws Error kNotFound, kIo, or kLimitExceeded when it is larger than `max_bytes`.
std::string read_file(const std::string& path, int64_t max_bytes = int64_t{1} << 30);

// A sink for the bytes of a file being written; throws Error kIo when the device refuses them.
class FileWriter {
 public:
  virtual ~FileWriter() = default;
  virtual void write(const void* data, size_t size) = 0;
  void write(std::string_view text) { write(text.data(), text.size()); }
};

// Replaces `path` with what `body` writes, or leaves it as it was: a temporary beside it, fsync, rename, fsync of the
// folder. The temporary is removed when `body` throws. Throws Error kIo.
void write_file_atomically(const std::string& path, const std::function<void(FileWriter&)>& body);
void write_file_atomically(const std::string& path, std::string_view text);

}  // namespace imago
