// The memory behind tensors, and where it lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace imago {

// A tensor on kMeta has a shape and a dtype but no memory.
enum class Device : uint8_t { kCPU, kCUDA, kMeta };
inline constexpr int kNumDevices = 3;

std::string_view to_string(Device device);
Device parse_device(std::string_view name);  // "cpu", "cuda", "meta"; throws Error kInvalidArgument

// A block of memory on one device, freed when the last tensor on it goes.
class Storage {
 public:
  // Uninitialised memory from the device's caching allocator. Throws Error kLimitExceeded when there is not enough.
  static std::shared_ptr<Storage> allocate(int64_t bytes, Device device);

  // Memory that belongs to somebody else (a mapped file): `owner` is kept alive, and the memory is read-only where
  // `writable` is false.
  static std::shared_ptr<Storage> borrow(const void* data, int64_t bytes, std::shared_ptr<const void> owner,
                                         bool writable);

  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  std::byte* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  Device device() const { return device_; }
  bool writable() const { return writable_; }

 private:
  Storage(std::byte* data, int64_t bytes, Device device, bool writable, std::shared_ptr<const void> owner)
      : data_(data), bytes_(bytes), device_(device), writable_(writable), owner_(std::move(owner)) {}

  std::byte* data_;
  int64_t bytes_;
  Device device_;
  bool writable_;
  std::shared_ptr<const void> owner_;  // null when the memory is the allocator's
};

}  // namespace imago
