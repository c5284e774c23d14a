// Sizes of a tensor's dimensions, kept without an allocation.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace imago {

// At most kMaxDims numbers, one per dimension, outermost first. Also holds strides (in elements) and lists of
// dimensions.
class Shape {
 public:
  static constexpr int kMaxDims = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> values) : Shape(std::span(values.begin(), values.size())) {}
  explicit Shape(std::span<const int64_t> values);  // throws Error kUnsupported beyond kMaxDims
  static Shape filled(int dims, int64_t value);

  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  int64_t& operator[](int i) { return values_[static_cast<size_t>(i)]; }
  int64_t operator[](int i) const { return values_[static_cast<size_t>(i)]; }
  int64_t back() const { return values_[static_cast<size_t>(size_ - 1)]; }
  int64_t* begin() { return values_.data(); }
  int64_t* end() { return values_.data() + size_; }
  const int64_t* begin() const { return values_.data(); }
  const int64_t* end() const { return values_.data() + size_; }
  operator std::span<const int64_t>() const { return {begin(), static_cast<size_t>(size_)}; }

  void push_back(int64_t value);             // throws Error kUnsupported beyond kMaxDims
  void insert(int position, int64_t value);  // likewise
  void erase(int position);
  Shape sub(int begin, int end) const;  // dimensions [begin, end)

  bool operator==(const Shape& other) const;
  int64_t product() const;        // 1 when empty
  std::string to_string() const;  // "[2, 8, 64]"

 private:
  std::array<int64_t, kMaxDims> values_{};
  int size_ = 0;
};

// Strides of a dense row-major tensor.
Shape contiguous_strides(const Shape& shape);

// The product of the sizes. Throws Error kInvalidArgument when a size is negative or the product overflows.
int64_t checked_product(std::span<const int64_t> sizes, const char* where);

// Maps a dimension that may be negative (-1 is the last) to [0, dims). Throws Error kInvalidArgument naming `where`.
int normalize_dim(int64_t dim, int dims, const char* where);

// The shape both broadcast to, aligned at the last dimension. Throws Error kInvalidArgument naming `where`.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* where);

}  // namespace imago
