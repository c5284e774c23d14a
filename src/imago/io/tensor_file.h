// A file of named tensors, whatever its format.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imago/base/file.h"
#include "imago/io/name_table.h"
#include "imago/tensor/tensor.h"

namespace imago {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// What a file says about one tensor; known without touching the tensor's bytes.
struct TensorInfo {
  DType dtype = DType::f32;
  Shape shape;
  int64_t begin = 0, end = 0;  // the bytes of the file that hold its elements
  std::string_view format;     // of a matrix in a weight format ("q4_0"); empty for plain numbers
  // Laid out as the model's parameter is, whatever the Hub's checkpoints do: a rule that transposes does not apply.
  bool as_parameter = false;

  TensorSpec spec() const { return {shape, dtype}; }
};

// Opening reads what describes the tensors and nothing of their data. Tensors borrow the mapped file and keep it alive.
// Safe to read from several threads.
class TensorFile {
 public:
  virtual ~TensorFile() = default;

  const std::string& path() const { return file_.path(); }
  const std::vector<std::string>& names() const { return names_.names(); }  // in the file's order
  bool contains(std::string_view name) const { return names_.find(name).has_value(); }

  // Throw Error kNotFound where the file has no such tensor.
  const TensorInfo& info(std::string_view name) const { return infos_[index_of(name)]; }
  // Read-only, without a copy; a tensor that lies misaligned in the file is copied.
  Tensor tensor(std::string_view name) const;

 protected:
  // Of info i in the order of names. Throws Error kInvalidFile when a name occurs twice.
  TensorFile(MappedFile file, std::vector<std::string> names, std::vector<TensorInfo> infos);

  virtual Tensor read(size_t index) const = 0;

  // A view of `strides` at `offset` (both in elements) on bytes [begin, begin + size) of the file, or on a copy of
  // them.
  Tensor view(int64_t begin, int64_t size, int64_t offset, const Shape& strides, const TensorInfo& info) const;
  const TensorInfo& info_at(size_t index) const { return infos_[index]; }
  std::span<const std::byte> bytes() const { return file_.bytes(); }
  // Read-only bytes of the file, which they keep mapped.
  std::shared_ptr<Storage> mapped(int64_t begin, int64_t size) const;

 private:
  size_t index_of(std::string_view name) const;

  MappedFile file_;
  NameTable names_;
  std::vector<TensorInfo> infos_;
};

// The bytes of a dense tensor. Throws Error kInvalidFile naming `where` and the tensor when a size is negative or the
// product overflows.
int64_t checked_bytes(std::span<const int64_t> sizes, int64_t element_size, const char* where, std::string_view name);

}  // namespace imago
