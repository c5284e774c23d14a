#include "imago/io/tensor_file.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

#include "imago/base/error.h"
#include "imago/base/quote.h"

namespace imago {

static_assert(std::endian::native == std::endian::little,
              "checkpoint files are little-endian and are mapped as they are");

namespace {

// A bool of any other value is undefined behaviour in C++, and two of them would not compare equal in torch.
void check_booleans(std::span<const std::byte> bytes) {
  if (std::any_of(bytes.begin(), bytes.end(), [](std::byte value) { return value > std::byte{1}; })) {
    throw Error(ErrorKind::kInvalidFile, "checkpoint", "a bool tensor has elements other than 0 and 1");
  }
}

}  // namespace

TensorFile::TensorFile(MappedFile file, std::vector<std::string> names, std::vector<TensorInfo> infos)
    : file_(std::move(file)), names_(std::move(names)), infos_(std::move(infos)) {
  if (const std::string* twice = names_.duplicate()) {
    throw Error(ErrorKind::kInvalidFile, "checkpoint", fmt::format("{} has tensor {} twice", path(), quote(*twice)));
  }
}

size_t TensorFile::index_of(std::string_view name) const {
  if (const auto index = names_.find(name)) return *index;
  throw Error(ErrorKind::kNotFound, "checkpoint", fmt::format("{} has no tensor {}", path(), quote(name)));
}

Tensor TensorFile::tensor(std::string_view name) const {
  const size_t index = index_of(name);
  const ErrorScope file(path()), scope(names_[index]);
  return read(index);
}

Tensor TensorFile::view(int64_t begin, int64_t size, int64_t offset, const Shape& strides,
                        const TensorInfo& info) const {
  const std::byte* data = file_.bytes().data() + begin;
  if (info.dtype == DType::boolean) check_booleans({data, static_cast<size_t>(size)});
  std::shared_ptr<Storage> storage;
  if (reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(size_of(info.dtype)) == 0) {
    storage = mapped(begin, size);
  } else {
    storage = Storage::allocate(size, Device::kCPU);
    if (size > 0) std::memcpy(storage->data(), data, static_cast<size_t>(size));
  }
  return Tensor::on_storage(std::move(storage), offset, info.shape, strides, info.dtype);
}

std::shared_ptr<Storage> TensorFile::mapped(int64_t begin, int64_t size) const {
  return Storage::borrow(file_.bytes().data() + begin, size, std::make_shared<MappedFile>(file_), false);
}

int64_t checked_bytes(std::span<const int64_t> sizes, int64_t element_size, const char* where, std::string_view name) {
  int64_t bytes = element_size;
  for (const int64_t size : sizes) {
    if (size < 0) {
      throw Error(ErrorKind::kInvalidFile, where, fmt::format("tensor {} has the negative size {}", quote(name), size));
    }
    if (__builtin_mul_overflow(bytes, size, &bytes)) {
      throw Error(ErrorKind::kInvalidFile, where,
                  fmt::format("tensor {} of shape [{}] has more bytes than 64 bits count", quote(name),
                              fmt::join(sizes, ", ")));
    }
  }
  return bytes;
}

}  // namespace imago
