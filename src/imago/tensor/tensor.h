// A tensor: a value that shares its storage with its copies and views. Operations on tensors are in ops/.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "imago/tensor/dtype.h"
#include "imago/tensor/shape.h"
#include "imago/tensor/storage.h"

namespace imago {

struct GradMeta;
class EncodedMatrix;

class Tensor {
 public:
  // An undefined tensor, which stands for an absent optional one.
  Tensor() = default;

  // Uninitialised elements, dense and row-major. Throws Error kInvalidArgument or kLimitExceeded.
  static Tensor empty(const Shape& shape, DType dtype = DType::f32, Device device = Device::kCPU);
  static Tensor full(const Shape& shape, double value, DType dtype = DType::f32, Device device = Device::kCPU);
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Device device = Device::kCPU);
  static Tensor ones(const Shape& shape, DType dtype = DType::f32, Device device = Device::kCPU);
  // start, start + step, ... below end (above, where step is negative).
  static Tensor arange(double start, double end, double step = 1, DType dtype = DType::i64,
                       Device device = Device::kCPU);
  // A tensor of one element and no dimensions.
  static Tensor scalar(double value, DType dtype = DType::f32, Device device = Device::kCPU) {
    return full({}, value, dtype, device);
  }
  // A copy of the values, on the CPU.
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape);
  template <class T>
  static Tensor from(const std::vector<T>& values, const Shape& shape) {
    return from(std::span<const T>(values), shape);
  }
  template <class T>
  static Tensor from(const std::vector<T>& values) {
    return from(values, {static_cast<int64_t>(values.size())});
  }

  // A tensor on existing storage; `offset` and `strides` count elements. Checks that every element lies inside it.
  static Tensor on_storage(std::shared_ptr<Storage> storage, int64_t offset, const Shape& shape, const Shape& strides,
                           DType dtype);

  // A matrix in a weight format (encoded_matrix.h). It stands for its values, of `dtype`, but they are not to be had as
  // an array: linear and embedding compute with the encoding itself, decode() gives a plain tensor, and all else throws
  // Error kUnsupported.
  static Tensor encoded(std::shared_ptr<const EncodedMatrix> encoding, DType dtype = DType::f32);

  bool defined() const { return impl_ != nullptr; }
  explicit operator bool() const { return defined(); }

  const Shape& shape() const { return impl_->shape; }
  const Shape& strides() const { return impl_->strides; }
  int64_t offset() const { return impl_->offset; }
  int dim() const { return impl_->shape.size(); }
  int64_t size(int64_t dim) const;  // negative dimensions count from the last
  int64_t numel() const { return impl_->numel; }
  DType dtype() const { return impl_->dtype; }
  Device device() const;
  bool is_meta() const { return device() == Device::kMeta; }
  bool is_contiguous() const;
  int64_t nbytes() const;
  const std::shared_ptr<Storage>& storage() const { return impl_->storage; }
  const std::shared_ptr<const EncodedMatrix>& encoding() const { return impl_->encoding; }  // null for plain numbers

  // The first element. The template form checks the dtype. Null on the meta device.
  // const_data is for reading; data() is for writing and throws where the storage is read-only.
  const void* const_data_raw() const;
  void* data_raw() const;
  template <class T>
  const T* const_data() const {
    expect_dtype(DTypeOf<T>::value);
    return static_cast<const T*>(const_data_raw());
  }
  template <class T>
  T* data() const {
    expect_dtype(DTypeOf<T>::value);
    return static_cast<T*>(data_raw());
  }

  // The same storage under another shape. No gradient flows through it; ops/ has the views that it flows through.
  Tensor alias(const Shape& shape, const Shape& strides, int64_t offset) const;
  // The same values cut off from the gradient tape.
  Tensor detach() const;

  // The only element, or all of them in row-major order, converted to T. The tensor must be on the CPU.
  template <class T>
  T item() const;
  template <class T>
  std::vector<T> to_vector() const;

  // Gradients (see autograd/). A leaf that requires one collects it in grad() when backward runs.
  bool requires_grad() const;
  Tensor& set_requires_grad(bool requires_grad);
  Tensor grad() const;  // undefined until there is one
  void set_grad(Tensor grad) const;
  const std::shared_ptr<GradMeta>& grad_meta() const { return impl_->grad_meta; }
  void set_grad_meta(std::shared_ptr<GradMeta> meta) { impl_->grad_meta = std::move(meta); }

  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }
  std::string describe() const;  // "float32 [2, 3] on cpu", "float32 [2, 32] as q8_0 on cpu", or "undefined"

 private:
  struct Impl {
    std::shared_ptr<Storage> storage;
    int64_t offset = 0;
    int64_t numel = 0;
    Shape shape, strides;
    DType dtype = DType::f32;
    std::shared_ptr<GradMeta> grad_meta;
    std::shared_ptr<const EncodedMatrix> encoding;
  };

  void expect_dtype(DType dtype) const;

  std::shared_ptr<Impl> impl_;
};

using Tensors = std::vector<Tensor>;

// Shape and dtype of a tensor that does not exist yet.
struct TensorSpec {
  Shape shape;
  DType dtype;
};

}  // namespace imago
