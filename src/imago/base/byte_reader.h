// Little-endian fields read in order from bytes that may end anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "imago/base/error.h"

namespace imago {

class ByteReader {
 public:
  // `where` names the format in errors and must outlive the reader.
  ByteReader(std::span<const std::byte> bytes, const char* where) : bytes_(bytes), where_(where) {}

  const char* where() const { return where_; }
  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  // The functions below throw Error kInvalidFile when the bytes end first.
  template <class T>
  requires std::is_arithmetic_v<T> T read() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string_view text(uint64_t size) {
    const auto bytes = take(size);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  // Up to the line's end, which is passed over.
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_, remaining());
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) fail();
    position_ += end + 1;
    return rest.substr(0, end);
  }

  void skip(uint64_t size) { take(size); }

 private:
  std::span<const std::byte> take(uint64_t size) {
    if (size > remaining()) fail();
    const auto taken = bytes_.subspan(position_, static_cast<size_t>(size));
    position_ += static_cast<size_t>(size);
    return taken;
  }

  [[noreturn]] void fail() const { throw Error(ErrorKind::kInvalidFile, where_, "the file is truncated"); }

  std::span<const std::byte> bytes_;
  size_t position_ = 0;
  const char* where_;
};

}  // namespace imago
