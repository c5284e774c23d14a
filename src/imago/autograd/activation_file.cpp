#include "imago/autograd/activation_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "imago/base/error.h"
#include "imago/ops/contiguous/contiguous.h"
#include "imago/tensor/storage.h"

namespace imago {

class ActivationFile::File {
 public:
  explicit File(const std::string& folder) : folder_(folder) {
    std::string name = folder + "/.activations.XXXXXX";
    descriptor_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor_ < 0) refuse("create a file for activations");
    ::unlink(name.c_str());
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::close(descriptor_); }

  // Where the bytes lie in the file: behind all others, or at its beginning where there are none.
  int64_t append(const std::byte* data, int64_t bytes) {
    const int64_t page = ::sysconf(_SC_PAGESIZE), offset = live_ == 0 ? 0 : end_;
    for (int64_t done = 0; done < bytes;) {
      const ssize_t written = ::pwrite(descriptor_, data + done, static_cast<size_t>(bytes - done), offset + done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) refuse("write activations");
      done += written;
    }
    ++live_;
    end_ = offset + (bytes + page - 1) / page * page;
    return offset;
  }

  const void* map(int64_t offset, int64_t bytes) const {
    void* const data = ::mmap(nullptr, static_cast<size_t>(bytes), PROT_READ, MAP_SHARED, descriptor_, offset);
    if (data == MAP_FAILED) refuse("map activations");
    return data;
  }

  void release(int64_t offset, int64_t bytes) {
    --live_;
    // A file system that cannot free a part keeps it until the file goes.
    static_cast<void>(::fallocate(descriptor_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes));
  }

 private:
  [[noreturn]] void refuse(const char* what) const {
    throw Error(ErrorKind::kIo, folder_, fmt::format("cannot {}: {}", what, std::strerror(errno)),
                "free space there, or leave activation_offloading out");
  }

  std::string folder_;
  int descriptor_;
  int64_t end_ = 0, live_ = 0;
};

// A mapped part of the file, and its place there.
struct ActivationFile::Region {
  std::shared_ptr<File> file;
  int64_t offset, bytes;
  const void* data = nullptr;

  Region(std::shared_ptr<File> of, const std::byte* values, int64_t size)
      : file(std::move(of)), offset(file->append(values, size)), bytes(size) {
    try {
      data = file->map(offset, bytes);
    } catch (...) {
      file->release(offset, bytes);
      throw;
    }
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region() {
    ::munmap(const_cast<void*>(data), static_cast<size_t>(bytes));
    file->release(offset, bytes);
  }
};

ActivationFile::ActivationFile(const std::string& folder) : file_(std::make_shared<File>(folder)) {}

Tensor ActivationFile::store(const Tensor& tensor) {
  const Tensor values = contiguous(tensor.detach());
  if (values.nbytes() == 0) return values;
  const auto* const bytes = static_cast<const std::byte*>(values.const_data_raw());
  const auto region = std::make_shared<Region>(file_, bytes, values.nbytes());
  auto storage = Storage::borrow(region->data, region->bytes, region, /*writable=*/false);
  return Tensor::on_storage(std::move(storage), 0, values.shape(), values.strides(), values.dtype());
}

}  // namespace imago
