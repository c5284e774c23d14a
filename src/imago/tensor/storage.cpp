#include "imago/tensor/storage.h"

#include <fmt/core.h>

#include "imago/base/error.h"
#include "imago/tensor/cpu_allocator.h"

namespace imago {

std::string_view to_string(Device device) {
  switch (device) {
    case Device::kCPU: return "cpu";
    case Device::kCUDA: return "cuda";
    case Device::kMeta: return "meta";
  }
  return "unknown";
}

Device parse_device(std::string_view name) {
  for (Device device : {Device::kCPU, Device::kCUDA, Device::kMeta}) {
    if (name == to_string(device)) return device;
  }
  throw Error(ErrorKind::kInvalidArgument, "device", fmt::format("\"{}\" is not a device", name),
              "use cpu, cuda or meta");
}

std::shared_ptr<Storage> Storage::allocate(int64_t bytes, Device device) {
  if (device == Device::kCUDA) {
    throw Error(ErrorKind::kUnsupported, "storage", "this build has no CUDA backend", "use the cpu device");
  }
  std::byte* data = device == Device::kMeta ? nullptr : cpu_allocate(bytes);
  return std::shared_ptr<Storage>(new Storage(data, bytes, device, true, nullptr));
}

std::shared_ptr<Storage> Storage::borrow(const void* data, int64_t bytes, std::shared_ptr<const void> owner,
                                         bool writable) {
  if (owner == nullptr) throw Error(ErrorKind::kInternal, "storage", "borrowed memory needs an owner");
  auto* memory = const_cast<std::byte*>(static_cast<const std::byte*>(data));
  return std::shared_ptr<Storage>(new Storage(memory, bytes, Device::kCPU, writable, std::move(owner)));
}

Storage::~Storage() {
  if (owner_ == nullptr && device_ == Device::kCPU) cpu_free(data_, bytes_);
}

}  // namespace imago
