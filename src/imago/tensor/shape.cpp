#include "imago/tensor/shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "imago/base/error.h"

namespace imago {
namespace {

[[noreturn]] void throw_too_many_dims(size_t dims) {
  throw Error(ErrorKind::kUnsupported, "shape",
              fmt::format("{} dimensions are more than the {} supported", dims, Shape::kMaxDims));
}

}  // namespace

Shape::Shape(std::span<const int64_t> values) {
  if (values.size() > kMaxDims) throw_too_many_dims(values.size());
  std::copy(values.begin(), values.end(), values_.begin());
  size_ = static_cast<int>(values.size());
}

Shape Shape::filled(int dims, int64_t value) {
  Shape shape;
  for (int i = 0; i < dims; ++i) shape.push_back(value);
  return shape;
}

void Shape::push_back(int64_t value) { insert(size_, value); }

void Shape::insert(int position, int64_t value) {
  if (size_ == kMaxDims) throw_too_many_dims(kMaxDims + 1);
  std::copy_backward(begin() + position, end(), end() + 1);
  values_[static_cast<size_t>(position)] = value;
  ++size_;
}

void Shape::erase(int position) {
  std::copy(begin() + position + 1, end(), begin() + position);
  --size_;
}

Shape Shape::sub(int first, int last) const {
  return Shape(std::span<const int64_t>(begin() + first, static_cast<size_t>(last - first)));
}

bool Shape::operator==(const Shape& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

int64_t Shape::product() const {
  int64_t product = 1;
  for (int64_t value : *this) product *= value;
  return product;
}

std::string Shape::to_string() const { return fmt::format("[{}]", fmt::join(begin(), end(), ", ")); }

Shape contiguous_strides(const Shape& shape) {
  Shape strides = shape;
  int64_t stride = 1;
  for (int i = shape.size() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

int64_t checked_product(std::span<const int64_t> sizes, const char* where) {
  int64_t product = 1;
  for (int64_t size : sizes) {
    if (size < 0) throw Error(ErrorKind::kInvalidArgument, where, fmt::format("size {} is negative", size));
    if (__builtin_mul_overflow(product, size, &product)) {
      throw Error(ErrorKind::kInvalidArgument, where,
                  fmt::format("sizes [{}] multiply beyond 64 bits", fmt::join(sizes, ", ")));
    }
  }
  return product;
}

int normalize_dim(int64_t dim, int dims, const char* where) {
  if (dim < -dims || dim >= dims) {
    throw Error(ErrorKind::kInvalidArgument, where,
                fmt::format("dimension {} is outside a tensor of {} dimensions", dim, dims));
  }
  return static_cast<int>(dim < 0 ? dim + dims : dim);
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* where) {
  Shape result = a.size() >= b.size() ? a : b;
  const Shape& shorter = a.size() >= b.size() ? b : a;
  for (int i = 1; i <= shorter.size(); ++i) {
    int64_t& size = result[result.size() - i];
    const int64_t other = shorter[shorter.size() - i];
    if (size == other || other == 1) continue;
    if (size != 1) {
      throw Error(ErrorKind::kInvalidArgument, where,
                  fmt::format("shapes {} and {} do not broadcast", a.to_string(), b.to_string()),
                  "sizes must be equal or 1, counted from the last dimension");
    }
    size = other;
  }
  return result;
}

}  // namespace imago
