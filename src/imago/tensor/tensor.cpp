#include "imago/tensor/tensor.h"

#include <fmt/core.h>

#include <cmath>
#include <cstring>

#include "imago/base/error.h"
#include "imago/tensor/dispatch.h"
#include "imago/tensor/encoded_heads.h"
#include "imago/tensor/encoded_matrix.h"
#include "imago/tensor/grad_meta.h"

namespace imago {
namespace {

// Calls visit(offset) for every element in row-major order.
template <class Visit>
void for_each_offset(const Shape& shape, const Shape& strides, Visit visit) {
  const int64_t count = shape.product();
  Shape index = Shape::filled(shape.size(), 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    visit(offset);
    for (int d = shape.size() - 1; d >= 0; --d) {
      offset += strides[d];
      if (++index[d] < shape[d]) break;
      offset -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

// Whether every element of such a tensor lies inside a storage of `bytes`.
bool fits(int64_t offset, const Shape& shape, const Shape& strides, int64_t element_size, int64_t bytes) {
  if (offset < 0) return false;
  int64_t last = offset;
  for (int d = 0; d < shape.size(); ++d) {
    int64_t span = 0;
    if (shape[d] == 0) return true;
    if (strides[d] < 0 || __builtin_mul_overflow(shape[d] - 1, strides[d], &span)) return false;
    if (__builtin_add_overflow(last, span, &last)) return false;
  }
  int64_t end = 0;
  return !__builtin_mul_overflow(last + 1, element_size, &end) && end <= bytes;
}

[[noreturn]] void throw_encoded(const char* where, const Tensor& tensor) {
  throw Error(ErrorKind::kUnsupported, where, "an encoded weight has no array of elements: " + tensor.describe(),
              "decode it first");
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  const int64_t numel = checked_product(shape, "empty");
  int64_t bytes = 0;
  if (__builtin_mul_overflow(numel, size_of(dtype), &bytes)) {
    throw Error(ErrorKind::kLimitExceeded, "empty", fmt::format("{} elements do not fit in memory", numel));
  }
  Tensor tensor;
  tensor.impl_ = std::make_shared<Impl>();
  tensor.impl_->storage = Storage::allocate(bytes, device);
  tensor.impl_->shape = shape;
  tensor.impl_->strides = contiguous_strides(shape);
  tensor.impl_->numel = numel;
  tensor.impl_->dtype = dtype;
  return tensor;
}

Tensor Tensor::full(const Shape& shape, double value, DType dtype, Device device) {
  Tensor tensor = empty(shape, dtype, device);
  if (tensor.is_meta()) return tensor;
  dispatch_all(dtype, [&]<class T>() { std::fill_n(tensor.data<T>(), tensor.numel(), convert_scalar<T>(value)); });
  return tensor;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor tensor = empty(shape, dtype, device);
  if (!tensor.is_meta() && tensor.numel() > 0) std::memset(tensor.data_raw(), 0, static_cast<size_t>(tensor.nbytes()));
  return tensor;
}

Tensor Tensor::ones(const Shape& shape, DType dtype, Device device) { return full(shape, 1, dtype, device); }

Tensor Tensor::arange(double start, double end, double step, DType dtype, Device device) {
  const double count = std::ceil((end - start) / step);
  if (!(count < 1e15))
    throw Error(ErrorKind::kInvalidArgument, "arange", fmt::format("{} to {} by {} has no end", start, end, step));
  Tensor tensor = empty({std::max<int64_t>(static_cast<int64_t>(count), 0)}, dtype, device);
  if (tensor.is_meta()) return tensor;
  dispatch_all(dtype, [&]<class T>() {
    T* values = tensor.data<T>();
    for (int64_t i = 0; i < tensor.numel(); ++i) values[i] = convert_scalar<T>(start + step * static_cast<double>(i));
  });
  return tensor;
}

template <class T>
Tensor Tensor::from(std::span<const T> values, const Shape& shape) {
  if (checked_product(shape, "from") != static_cast<int64_t>(values.size())) {
    throw Error(ErrorKind::kInvalidArgument, "from",
                fmt::format("{} values do not fill shape {}", values.size(), shape.to_string()));
  }
  Tensor tensor = empty(shape, DTypeOf<T>::value);
  if (!values.empty()) std::memcpy(tensor.data_raw(), values.data(), values.size_bytes());
  return tensor;
}

Tensor Tensor::on_storage(std::shared_ptr<Storage> storage, int64_t offset, const Shape& shape, const Shape& strides,
                          DType dtype) {
  const int64_t numel = checked_product(shape, "on_storage");
  if (storage->device() != Device::kMeta && !fits(offset, shape, strides, size_of(dtype), storage->bytes())) {
    throw Error(ErrorKind::kInvalidArgument, "on_storage",
                fmt::format("{} {} with strides {} at {} reaches beyond its storage of {} bytes", to_string(dtype),
                            shape.to_string(), strides.to_string(), offset, storage->bytes()));
  }
  Tensor tensor;
  tensor.impl_ =
      std::make_shared<Impl>(Impl{std::move(storage), offset, numel, shape, strides, dtype, nullptr, nullptr});
  return tensor;
}

Tensor Tensor::encoded(std::shared_ptr<const EncodedMatrix> encoding, DType dtype) {
  const auto* heads = dynamic_cast<const EncodedHeads*>(encoding.get());
  const Shape shape = heads != nullptr ? heads->shape() : Shape{encoding->rows(), encoding->columns()};
  auto storage = Storage::borrow(nullptr, 0, encoding, false);
  Tensor tensor;
  tensor.impl_ = std::make_shared<Impl>(Impl{std::move(storage), 0, checked_product(shape, "encoded"), shape,
                                             contiguous_strides(shape), dtype, nullptr, std::move(encoding)});
  return tensor;
}

int64_t Tensor::size(int64_t dim_) const { return impl_->shape[normalize_dim(dim_, dim(), "size")]; }

Device Tensor::device() const { return impl_->storage->device(); }

int64_t Tensor::nbytes() const { return encoding() ? encoding()->nbytes() : numel() * size_of(dtype()); }

bool Tensor::is_contiguous() const {
  int64_t expected = 1;
  for (int d = dim() - 1; d >= 0; --d) {
    if (shape()[d] != 1 && strides()[d] != expected) return numel() == 0;
    expected *= shape()[d];
  }
  return true;
}

const void* Tensor::const_data_raw() const {
  if (encoding()) throw_encoded("data", *this);
  if (is_meta()) return nullptr;
  return storage()->data() + offset() * size_of(dtype());
}

void* Tensor::data_raw() const {
  if (!storage()->writable()) {
    throw Error(ErrorKind::kInvalidArgument, "data", "the tensor lies in a read-only file mapping",
                "copy it before writing to it");
  }
  return const_cast<void*>(const_data_raw());
}

void Tensor::expect_dtype(DType expected) const {
  if (dtype() != expected) {
    throw Error(ErrorKind::kInvalidArgument, "data",
                fmt::format("a tensor of {} is read as {}", to_string(dtype()), to_string(expected)), "cast it first");
  }
}

Tensor Tensor::alias(const Shape& shape, const Shape& strides, int64_t offset) const {
  if (encoding()) throw_encoded("view", *this);
  return on_storage(storage(), offset, shape, strides, dtype());
}

Tensor Tensor::detach() const {
  return encoding() ? encoded(encoding(), dtype()) : alias(shape(), strides(), offset());
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  if (device() != Device::kCPU)
    throw Error(ErrorKind::kInvalidArgument, "to_vector", "values are only to be had on the cpu: " + describe());
  std::vector<T> values;
  values.reserve(static_cast<size_t>(numel()));
  dispatch_all(dtype(), [&]<class From>() {
    const From* data = const_data<From>();
    for_each_offset(shape(), strides(), [&](int64_t offset) { values.push_back(convert_scalar<T>(data[offset])); });
  });
  return values;
}

template <class T>
T Tensor::item() const {
  if (numel() != 1) throw Error(ErrorKind::kInvalidArgument, "item", "expected one element, got " + describe());
  return to_vector<T>()[0];
}

bool Tensor::requires_grad() const { return impl_->grad_meta != nullptr && impl_->grad_meta->requires_grad; }

Tensor& Tensor::set_requires_grad(bool requires_grad) {
  if (requires_grad && !is_floating_point(dtype())) {
    throw Error(ErrorKind::kInvalidArgument, "set_requires_grad",
                "only floating-point tensors have gradients, not " + describe());
  }
  if (requires_grad && encoding()) {
    throw Error(ErrorKind::kUnsupported, "set_requires_grad", "an encoded weight is not trained: " + describe(),
                "train an adapter on it, or decode it first");
  }
  if (impl_->grad_meta == nullptr) impl_->grad_meta = std::make_shared<GradMeta>();
  impl_->grad_meta->requires_grad = requires_grad;
  return *this;
}

Tensor Tensor::grad() const { return impl_->grad_meta != nullptr ? impl_->grad_meta->grad : Tensor(); }

void Tensor::set_grad(Tensor grad) const {
  if (impl_->grad_meta == nullptr) impl_->grad_meta = std::make_shared<GradMeta>();
  impl_->grad_meta->grad = std::move(grad);
}

std::string Tensor::describe() const {
  if (!defined()) return "undefined";
  const std::string format = encoding() ? fmt::format(" as {}", encoding()->format()) : std::string();
  return fmt::format("{} {}{} on {}", to_string(dtype()), shape().to_string(), format, to_string(device()));
}

#define IMAGO_INSTANTIATE(T)                                      \
  template Tensor Tensor::from(std::span<const T>, const Shape&); \
  template T Tensor::item() const;                                \
  template std::vector<T> Tensor::to_vector() const;
IMAGO_INSTANTIATE(double)
IMAGO_INSTANTIATE(float)
IMAGO_INSTANTIATE(float16)
IMAGO_INSTANTIATE(bfloat16)
IMAGO_INSTANTIATE(int64_t)
IMAGO_INSTANTIATE(int32_t)
IMAGO_INSTANTIATE(int16_t)
IMAGO_INSTANTIATE(int8_t)
IMAGO_INSTANTIATE(uint8_t)
#undef IMAGO_INSTANTIATE
template bool Tensor::item() const;

}  // namespace imago
