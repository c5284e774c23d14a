#include "imago/base/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "imago/base/error.h"

namespace imago {
namespace {

[[noreturn]] void throw_errno(std::string_view action, const std::string& path) {
  const int code = errno;
  const ErrorKind kind = code == ENOENT || code == ENOTDIR ? ErrorKind::kNotFound : ErrorKind::kIo;
  throw Error(kind, "file", fmt::format("cannot {} {}: {}", action, path, std::strerror(code)));
}

class FileDescriptor {
 public:
  FileDescriptor(const std::string& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (fd_ < 0) throw_errno("open", path);
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }

  // Closes early, so that an error the device reports only now is not lost.
  void close(const std::string& path) {
    if (::close(std::exchange(fd_, -1)) != 0) throw_errno("close", path);
  }

 private:
  int fd_;
};

int64_t regular_file_size(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw_errno("examine", path);
  if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::kIo, "file", fmt::format("{} is not a regular file", path));
  return status.st_size;
}

// Gathers small writes; safetensors headers and vocabularies come in pieces.
class BufferedWriter final : public FileWriter {
 public:
  BufferedWriter(int fd, const std::string& path) : fd_(fd), path_(path) { buffer_.reserve(kCapacity); }

  void write(const void* data, size_t size) override {
    if (buffer_.size() + size > kCapacity) flush();
    if (size >= kCapacity) return write_all(static_cast<const char*>(data), size);
    buffer_.append(static_cast<const char*>(data), size);
  }

  void flush() {
    write_all(buffer_.data(), buffer_.size());
    buffer_.clear();
  }

 private:
  static constexpr size_t kCapacity = size_t{1} << 16;

  void write_all(const char* data, size_t size) {
    while (size > 0) {
      const ssize_t written = ::write(fd_, data, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw_errno("write", path_);
      data += written;
      size -= static_cast<size_t>(written);
    }
  }

  int fd_;
  const std::string& path_;
  std::string buffer_;
};

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

struct MappedFile::Mapping {
  std::string path;
  void* address = nullptr;
  size_t size = 0;
  ~Mapping() {
    if (address != nullptr) ::munmap(address, size);
  }
};

MappedFile MappedFile::open(const std::string& path) {
  const FileDescriptor file(path, O_RDONLY | O_NONBLOCK);  // opening a pipe must not wait for its writer
  auto mapping = std::make_shared<Mapping>();
  mapping->path = path;
  mapping->size = static_cast<size_t>(regular_file_size(file.get(), path));
  if (mapping->size > 0) {  // an empty mapping is an error to mmap, an empty file is not one to us
    void* address = ::mmap(nullptr, mapping->size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (address == MAP_FAILED) throw_errno("map", path);
    mapping->address = address;
  }
  return MappedFile(std::move(mapping));
}

std::span<const std::byte> MappedFile::bytes() const {
  return {static_cast<const std::byte*>(mapping_->address), mapping_->size};
}

std::string_view MappedFile::text() const { return {static_cast<const char*>(mapping_->address), mapping_->size}; }

const std::string& MappedFile::path() const { return mapping_->path; }

void MappedFile::will_need() const {
  if (mapping_->address != nullptr) ::madvise(mapping_->address, mapping_->size, MADV_WILLNEED);
}

std::string read_file(const std::string& path, int64_t max_bytes) {
  const FileDescriptor file(path, O_RDONLY | O_NONBLOCK);  // opening a pipe must not wait for its writer
  const int64_t size = regular_file_size(file.get(), path);
  if (size > max_bytes) {
    throw Error(ErrorKind::kLimitExceeded, "file",
                fmt::format("{} has {} bytes, more than the {} allowed", path, size, max_bytes));
  }
  // The size is only a hint: a file may shrink or grow meanwhile, and those of /proc say 0.
  std::string text;
  while (true) {
    const size_t done = text.size();
    text.resize(std::max<size_t>(static_cast<size_t>(size), done) + 4096);
    const ssize_t count = ::read(file.get(), text.data() + done, text.size() - done);
    text.resize(done + static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && errno != EINTR) throw_errno("read", path);
    if (count == 0) return text;
    if (static_cast<int64_t>(text.size()) > max_bytes) {
      throw Error(ErrorKind::kLimitExceeded, "file",
                  fmt::format("{} has more than the {} bytes allowed", path, max_bytes));
    }
  }
}

void write_file_atomically(const std::string& path, const std::function<void(FileWriter&)>& body) {
  static std::atomic<int> count = 0;  // two threads may write the same file
  const std::string temporary = fmt::format("{}.tmp.{}.{}", path, ::getpid(), count++);
  try {
    FileDescriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    BufferedWriter writer(file.get(), temporary);
    body(writer);
    writer.flush();
    if (::fsync(file.get()) != 0) throw_errno("sync", temporary);
    file.close(temporary);
    if (::rename(temporary.c_str(), path.c_str()) != 0) throw_errno("rename to", path);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  const FileDescriptor folder(folder_of(path), O_RDONLY | O_DIRECTORY);
  if (::fsync(folder.get()) != 0) throw_errno("sync the folder of", path);
}

void write_file_atomically(const std::string& path, std::string_view text) {
  write_file_atomically(path, [text](FileWriter& writer) { writer.write(text); });
}

}  // namespace imago
